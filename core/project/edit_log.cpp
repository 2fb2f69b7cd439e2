#include "core/project/edit_log.h"

#include "core/base/atomic_file.h"
#include "core/base/crc32.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/base/units.h"
#include "core/project/side_folder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

static_assert(std::endian::native == std::endian::little, "frames are written as they lie in memory");

namespace azimuth {
namespace {
namespace fs = std::filesystem;

// char[4] magic, u32 bytes of payload, u64 sequence, u32 CRC-32 of sequence and payload; then the payload.
constexpr std::string_view magic = "AZF1";
constexpr std::size_t headBytes = 20;
constexpr std::uint64_t largestEdit = std::uint64_t{64} << 20, largestLog = std::uint64_t{1} << 30;

std::string frameOf(std::uint64_t sequence, const std::string& payload) {
    std::string body(sizeof sequence, '\0');
    std::memcpy(body.data(), &sequence, sizeof sequence);
    body += payload;
    const auto size = static_cast<std::uint32_t>(payload.size());
    const auto sum = crc32(std::as_bytes(std::span(body.data(), body.size())));
    std::string frame(headBytes, '\0');
    std::memcpy(frame.data(), magic.data(), magic.size());
    std::memcpy(frame.data() + 4, &size, sizeof size);
    std::memcpy(frame.data() + 8, &sequence, sizeof sequence);
    std::memcpy(frame.data() + 16, &sum, sizeof sum);
    return frame + payload;
}

struct Frame {
    std::uint64_t sequence = 0;
    std::string_view payload;
    std::size_t bytes = 0;
};

std::optional<Frame> frameAt(std::string_view text, std::size_t offset) {
    const auto rest = text.substr(offset);
    if (rest.size() < headBytes || !rest.starts_with(magic))
        return {};
    std::uint32_t size = 0, sum = 0;
    Frame frame;
    std::memcpy(&size, rest.data() + 4, sizeof size);
    std::memcpy(&frame.sequence, rest.data() + 8, sizeof frame.sequence);
    std::memcpy(&sum, rest.data() + 16, sizeof sum);
    if (size > largestEdit || size > rest.size() - headBytes)
        return {};
    frame.payload = rest.substr(headBytes, size);
    frame.bytes = headBytes + size;
    std::string body(rest.substr(8, 8));
    body += frame.payload;
    if (crc32(std::as_bytes(std::span(body.data(), body.size()))) != sum)
        return {};
    return frame;
}

// Broken bytes between whole frames: what lay there had numbers between these. 0: it followed the first
// frame.
struct Gap {
    std::uint64_t after = 0, before = 0;
};

struct Scan {
    std::vector<Frame> frames;
    std::vector<Gap> gaps;
    std::size_t bytes = 0, whole = 0; // of the file, and up to the end of the last frame
    bool torn = false, damaged = false;
};

// Whole frames in order; broken bytes between them are stepped over.
Scan scan(std::string_view text) {
    Scan result;
    result.bytes = text.size();
    std::size_t offset = 0;
    bool broken = false;
    while (offset < text.size()) {
        if (const auto frame = frameAt(text, offset)) {
            if (std::exchange(broken, false))
                result.gaps.push_back(
                    {result.frames.empty() ? 0 : result.frames.back().sequence, frame->sequence});
            result.frames.push_back(*frame);
            result.whole = offset += frame->bytes;
            continue;
        }
        broken = true;
        const auto next = text.find(magic, offset + 1);
        if (next == std::string_view::npos)
            break;
        offset = next;
    }
    result.torn = broken;
    result.damaged = !result.gaps.empty();
    return result;
}

// "edit 4 is missing": of the numbers in the gaps, those that no file has and no generation holds.
std::string missingText(const std::vector<Gap>& gaps, std::vector<std::uint64_t> known, std::uint64_t held) {
    known.push_back(held);
    std::sort(known.begin(), known.end());
    std::vector<std::string> ranges;
    bool several = false;
    for (std::size_t i = 0; i + 1 < known.size(); ++i) {
        const auto first = known[i] + 1, next = known[i + 1];
        const auto inGap = [&](const Gap& gap) { return gap.after < first && next <= gap.before; };
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

std::optional<Json> objectOf(std::string_view payload, const std::string& path) {
    try {
        auto value = parseJson(payload, path, {largestEdit, 64});
        if (value.is_object())
            return value;
    } catch (const Error&) { // a frame with a valid sum that nobody of ours wrote
    }
    return {};
}

// The first frame names the project.
bool belongsTo(const Scan& scan, const std::string& uuid, const std::string& path) {
    if (scan.frames.empty() || scan.frames.front().sequence != 0)
        return false;
    const auto head = objectOf(scan.frames.front().payload, path);
    return head && head->contains("project") && head->at("project") == uuid;
}

std::vector<std::string> logPaths(const std::string& projectPath) {
    std::vector<std::string> paths;
    std::error_code failure;
    for (fs::directory_iterator it(sideFolder(projectPath).root, failure), end; !failure && it != end;
         it.increment(failure)) {
        std::error_code unknown;
        if (it->path().extension() == ".azlog" && it->is_regular_file(unknown))
            paths.push_back(it->path().string());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

enum class Kept { Now, Before, Not }; // Not: a full disk must not keep the project from being opened

Kept keepInPrevious(const std::string& projectPath, const std::string& path, const std::string& ending,
                    std::string_view text) {
    const auto folder = sideFolder(projectPath).previous;
    const auto place = folder + "/" + fs::path(path).filename().string() + ending;
    std::error_code unknown;
    if (fs::exists(place, unknown))
        return Kept::Before;
    try {
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

LogFile fileOf(const Scan& found, const std::string& path) {
    LogFile file{path, 0, found.torn, found.damaged, found.bytes};
    for (const auto& frame : found.frames)
        file.last = std::max(file.last, frame.sequence);
    return file;
}

void take(LogReading& reading, const Scan& found, const std::string& path, std::uint64_t after) {
    auto file = fileOf(found, path);
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
    std::vector<Gap> gaps;
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

EditLog::EditLog(std::string projectPath, std::string projectUuid, std::uint64_t generation,
                 std::uint64_t next, const std::vector<LogFile>& known, std::uint64_t fullFile)
    : m_project(std::move(projectPath)), m_uuid(std::move(projectUuid)), m_generation(generation),
      m_next(std::max<std::uint64_t>(next, 1)), m_fullFile(fullFile) {
    for (const auto& file : known)
        m_others[file.path] = file;
}

EditLog::~EditLog() { closeFile(); }

void EditLog::closeFile() {
    if (m_descriptor >= 0) {
        ::close(std::exchange(m_descriptor, -1));
        m_others[m_path] = {m_path, m_next - 1, false, false, m_bytes};
    }
    m_path.clear();
    m_bytes = 0;
}

void EditLog::openFile() {
    const auto folder = sideFolder(m_project).root;
    ensureFolder(folder);
    const auto path = folder + "/log-" + std::to_string(m_generation) + "-" + newUuid() + ".azlog";
    const int descriptor = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (descriptor < 0)
        throw systemError("create", path, errno);
    m_descriptor = descriptor;
    m_path = path;
    try {
        write(frameOf(0, canonicalJson({{"project", m_uuid},
                                        {"generation", std::to_string(m_generation)},
                                        {"created", utcNow()}})));
        m_headBytes = m_bytes;
        syncFolder(folder);
    } catch (const Error&) {
        closeFile();
        ::unlink(path.c_str());
        throw;
    }
}

// At the end of the whole frames; durable after return.
void EditLog::write(const std::string& frame) {
    int reason = 0;
    for (std::size_t done = 0; reason == 0 && done < frame.size();) {
        const auto count = ::pwrite(m_descriptor, frame.data() + done, frame.size() - done,
                                    static_cast<off_t>(m_bytes + done));
        if (count > 0)
            done += static_cast<std::size_t>(count);
        else if (count == 0 || errno != EINTR)
            reason = count == 0 ? ENOSPC : errno;
    }
    if (reason == 0 && ::fdatasync(m_descriptor) != 0)
        reason = errno;
    if (reason == 0) {
        m_bytes += frame.size();
        return;
    }
    withdraw();
    throw writeError(m_path, frame.size(), reason);
}

// What was refused must not come back at the next start. If this fails too, a torn frame is skipped, and a
// whole one would be applied: its number is not given to another edit, so that none takes its place.
void EditLog::withdraw() {
    if (::ftruncate(m_descriptor, static_cast<off_t>(m_bytes)) != 0 || ::fsync(m_descriptor) != 0)
        ++m_next;
}

// Error log.shared. Files only grow, so one of a known size is not read again; what cannot be read now could
// not be read by a writer either.
void EditLog::requireFirst() {
    for (const auto& path : logPaths(m_project)) {
        std::error_code gone;
        const auto bytes = fs::file_size(path, gone);
        if (path == m_path || gone)
            continue;
        auto& known = m_others[path];
        if (known.path.empty() || known.bytes != bytes) {
            try {
                const auto text = readFile(path, largestLog);
                const auto found = scan(text);
                known = belongsTo(found, m_uuid, path) ? fileOf(found, path)
                                                       : LogFile{path, 0, false, false, text.size()};
            } catch (const Error&) {
                continue;
            }
        }
        if (known.last >= m_next)
            throw Error("log.shared",
                        "The edit was not made: another program has made edits of " + m_project +
                            " that this one does not know.",
                        "Open the project again: then it has both. Its lock did not keep the other one away.",
                        path);
    }
}

bool EditLog::fileIsThere() const {
    struct stat ours {
    }, there{};
    return ::fstat(m_descriptor, &ours) == 0 && ::stat(m_path.c_str(), &there) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

std::uint64_t EditLog::append(const Json& edit) {
    if (!edit.is_object())
        throw Error("log.edit", "An edit of " + m_project + " is no JSON object.", "");
    const auto payload = canonicalJson(edit);
    if (payload.size() > largestEdit)
        throw Error("log.edit",
                    "An edit of " + bytesText(payload.size()) + " is larger than " + bytesText(largestEdit) +
                        ".",
                    "Shorten the text.");
    if (m_bytes >= m_fullFile && fileIsThere())
        closeFile();
    if (m_descriptor < 0)
        openFile();
    if (!fileIsThere()) {
        const auto path = m_path;
        closeFile();
        throw Error("log.lost",
                    path + " was removed or moved away by another program, and unsaved edits with it.",
                    "Save the project now: this window still has them.");
    }
    const auto frame = frameOf(m_next, payload);
    try {
        write(frame);
    } catch (const Error&) {
        closeFile();
        throw;
    }
    try {
        requireFirst();
    } catch (const Error&) {
        m_bytes -= frame.size();
        withdraw();
        if (m_bytes == m_headBytes) // nothing of this writer is in it
            ::unlink(m_path.c_str());
        closeFile();
        throw;
    }
    return m_next++;
}

void EditLog::startNewFile(std::uint64_t generation) {
    closeFile();
    m_generation = generation;
}

LogReading readLogs(const std::string& projectPath, const std::string& projectUuid, std::uint64_t after,
                    bool keep) {
    LogReading reading;
    std::vector<Damage> damages;
    reading.last = after;
    for (const auto& path : logPaths(projectPath)) {
        std::string text;
        try {
            text = readFile(path, largestLog);
        } catch (const Error& error) {
            reading.notes.push_back("A log of this project could not be read and was left alone: " +
                                    error.message());
            continue;
        }
        const auto found = scan(text);
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
