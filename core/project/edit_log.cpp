#include "core/project/edit_log.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/base/units.h"
#include "core/project/log_frames.h"
#include "core/project/side_folder.h"
#include "core/project/user_block.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace azimuth {
namespace fs = std::filesystem;

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
    } catch (...) {
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

// The highest number in another file. One of a known size is not read again: an edit that was acknowledged
// stays in it.
std::uint64_t EditLog::lastIn(const std::string& path) {
    std::error_code gone;
    const auto bytes = fs::file_size(path, gone);
    if (gone == std::errc::no_such_file_or_directory)
        return 0;
    auto& known = m_others[path];
    if (!gone && known.bytes == bytes && !known.path.empty())
        return known.last;
    try {
        const auto text = readFile(path, largestLog);
        const auto found = scanLog(text);
        known = summaryOf(found, path);
        if (!belongsTo(found, m_uuid, path))
            known.last = 0;
    } catch (const Error&) { // a writer that was refused removes its file, a save one that it holds
        if (fs::exists(path, gone) || gone)
            throw;
        m_others.erase(path);
        return 0;
    }
    return known.last;
}

// Error log.shared, or file.* where the others cannot be looked at. The project comes after the logs: a log
// goes only when a generation holds what was in it.
void EditLog::requireFirst() {
    std::uint64_t last = 0;
    for (const auto& path : logPaths(m_project))
        if (path != m_path)
            last = std::max(last, lastIn(path));
    try {
        if (const auto block = readUserBlock(m_project); block.project == m_uuid)
            last = std::max(last, block.logSequence);
    } catch (const Error& error) {
        std::error_code unknown;
        if (error.code().starts_with("file.") && (fs::exists(m_project, unknown) || unknown))
            throw; // else it is gone or damaged: the log is what keeps this edit
    }
    if (last >= m_next)
        throw Error("log.shared",
                    "The edit was not made: another program has made edits of " + m_project +
                        " that this one does not know.",
                    "Open the project again: then it has both. Its lock did not keep the other one away.");
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
    } catch (...) {
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

} // namespace azimuth
