// Reading the logs of a project: what was salvaged is kept and told.
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/units.h"
#include "core/project/log_frames.h"
#include "core/project/side_folder.h"

#include <algorithm>
#include <filesystem>
#include <unistd.h>

namespace azimuth {
namespace {
namespace fs = std::filesystem;

// "edit 4 is missing": of the numbers in the gaps, those that no file has and no generation holds.
std::string missingText(const std::vector<LogGap>& gaps, std::vector<std::uint64_t> known,
                        std::uint64_t held) {
    known.push_back(held);
    std::sort(known.begin(), known.end());
    std::vector<std::string> ranges;
    bool several = false;
    for (std::size_t i = 0; i + 1 < known.size(); ++i) {
        const auto first = known[i] + 1, next = known[i + 1];
        const auto inGap = [&](const LogGap& gap) { return gap.after < first && next <= gap.before; };
        if (first >= next || std::none_of(gaps.begin(), gaps.end(), inGap))
            continue;
        ranges.push_back(std::to_string(first));
        if (next - first > 1)
            ranges.back() += " to " + std::to_string(next - 1);
        several = ranges.size() > 1 || next - first > 1;
    }
    std::string text = ranges.empty() ? "no edit" : several ? "edits " : "edit ";
    for (std::size_t i = 0; i < ranges.size(); ++i)
        text += (i == 0 ? "" : i + 1 < ranges.size() ? ", " : " and ") + ranges[i];
    return text + (several ? " are missing" : " is missing");
}

enum class Kept { Now, Before, Not }; // Not: a full disk must not keep the project from being opened

Kept keepInPrevious(const std::string& projectPath, const std::string& path, const std::string& ending,
                    std::string_view text) {
    const auto folder = sideFolder(projectPath).previous;
    const auto stem = folder + "/" + fs::path(path).filename().string() + ending;
    try {
        auto place = stem;
        std::error_code unknown;
        for (int i = 2; fs::exists(place, unknown); ++i) { // another damage has a name of its own
            if (readFile(place, largestLog) == text)
                return Kept::Before;
            place = stem + "-" + std::to_string(i);
        }
        ensureFolder(folder);
        writeFileAtomically(place, text);
    } catch (const Error&) {
        return Kept::Not;
    }
    return Kept::Now;
}

std::string tornNote(std::string_view end, Kept kept) {
    return "A log of this project ends in " + bytesText(end.size()) +
           " that are no whole edit, as after a crash while one was written" +
           (kept == Kept::Now ? "; they are kept in prev/." : ".");
}

std::string headlessNote(const std::string& path, std::size_t edits, Kept kept) {
    return path + " has lost its beginning, which names its project; the " + std::to_string(edits) +
           " edits in it were left alone" + (kept == Kept::Now ? "; it is kept in prev/ too. " : ". ") +
           "Remove it if they are not missed.";
}

void take(LogReading& reading, const LogScan& found, const std::string& path, std::uint64_t after) {
    auto file = summaryOf(found, path);
    for (const auto& frame : found.frames)
        if (frame.sequence > after)
            if (auto edit = objectOf(frame.payload, path))
                reading.edits.push_back({frame.sequence, std::move(*edit)});
    reading.last = std::max(reading.last, file.last);
    reading.files.push_back(std::move(file));
}

// A copy of a file says the same again. Two edits with one number are those of two writers, one of which was
// killed before it saw the other: both are made.
void sortEdits(std::vector<LoggedEdit>& edits) {
    std::stable_sort(edits.begin(), edits.end(),
                     [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
    std::vector<LoggedEdit> once;
    for (auto& edit : edits) {
        const auto same = std::find_if(once.rbegin(), once.rend(), [&](const LoggedEdit& other) {
            return other.sequence != edit.sequence || other.edit == edit.edit;
        });
        if (same == once.rend() || same->sequence != edit.sequence)
            once.push_back(std::move(edit));
    }
    edits = std::move(once);
}

struct Damage {
    std::vector<LogGap> gaps;
    std::size_t edits; // that could be read
    bool kept;         // a copy in prev/
};

std::string damageNote(const Damage& damage, const LogReading& reading, std::uint64_t after) {
    std::vector<std::uint64_t> known;
    for (const auto& edit : reading.edits)
        known.push_back(edit.sequence);
    return "A log of this project was damaged: " + std::to_string(damage.edits) +
           (damage.edits == 1 ? " edit" : " edits") + " could be read, " +
           missingText(damage.gaps, std::move(known), after) +
           (damage.kept ? "; the file is kept in prev/." : ".");
}

} // namespace

LogReading readLogs(const std::string& projectPath, const std::string& projectUuid, std::uint64_t after,
                    bool keep) {
    LogReading reading;
    std::vector<Damage> damages;
    reading.last = after;
    std::vector<std::string> paths;
    try {
        paths = logPaths(projectPath);
    } catch (const Error& error) { // who writes must know what it holds
        if (keep)
            throw;
        reading.notes.push_back("Edits that are not saved yet are not shown: " + error.message());
    }
    for (const auto& path : paths) {
        std::string text;
        try {
            text = readFile(path, largestLog);
        } catch (const Error& error) {
            std::error_code unknown;
            if (keep && error.code() != "file.size" && (fs::exists(path, unknown) || unknown))
                throw; // edits that are not saved may be in it
            reading.notes.push_back("A log of this project could not be read and was left alone: " +
                                    error.message());
            continue;
        }
        const auto found = scanLog(text);
        const auto keptAs = [&](const char* ending, std::string_view part) {
            return keep ? keepInPrevious(projectPath, path, ending, part) : Kept::Not;
        };
        if (!found.frames.empty() && found.frames.front().sequence != 0)
            if (const auto kept = keptAs(".damaged", text); kept != Kept::Before)
                reading.notes.push_back(headlessNote(path, found.frames.size(), kept));
        if (!belongsTo(found, projectUuid, path))
            continue;
        if (found.damaged) {
            if (const auto kept = keptAs(".damaged", text); kept != Kept::Before)
                damages.push_back({found.gaps, found.frames.size() - 1, kept == Kept::Now});
        } else if (found.torn && keep) {
            const auto end = std::string_view(text).substr(found.whole);
            if (const auto kept = keptAs(".torn", end); kept != Kept::Before)
                reading.notes.push_back(tornNote(end, kept));
        }
        take(reading, found, path, after);
    }
    sortEdits(reading.edits);
    for (const auto& damage : damages)
        reading.notes.push_back(damageNote(damage, reading, after));
    return reading;
}

void removeLogs(const std::string& projectPath, const std::string& projectUuid, std::uint64_t through,
                const std::string& except) {
    try {
        for (const auto& file : readLogs(projectPath, projectUuid, through, false).files)
            if (file.last <= through && file.path != except)
                ::unlink(file.path.c_str());
    } catch (const Error&) { // they are read again at the next start, and known
    }
}

} // namespace azimuth
