// The log of a project: edits that are durable before a save (FORMAT.md, "Log"). Each writer makes a file of
// its own, <project>.d/log-<generation>-<uuid>.azlog, at its first edit, and a new one when it grows large;
// files are never appended to by a later session. Edits carry a sequence number that grows over all files of
// a project; a saved generation says up to which number it holds them, so applying twice or losing one is
// impossible whatever is killed when, and deleting a log is never a step that matters.
//
// Two writers of one project, which locks that lie allow, cannot give one number to two edits: each looks at
// the files of the others and at the project after its edit is durable and before it says so, and takes it
// back if one of them has its number or a later one. Whoever looks last sees both.
//
// Nothing here reads HDF5. A writer belongs to one thread; readLogs may run on any, before a writer exists.
#pragma once

#include "core/base/json.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace azimuth {

struct LoggedEdit {
    std::uint64_t sequence = 0;
    Json edit; // an object
};

struct LogFile {
    std::string path;
    std::uint64_t last = 0; // highest number in it; 0: none
    bool torn = false;      // ends in bytes that are no whole frame, as after a crash
    bool damaged = false;   // whole frames follow broken bytes: they were salvaged
    std::uint64_t bytes = 0;
};

class EditLog {
public:
    // A file that has so many bytes gets no more edits: whoever reads logs has a file in memory.
    static constexpr std::uint64_t fullFile = std::uint64_t{256} << 20;
    // next: the number of the first edit. known: what readLogs found, which is not read again. Nothing is
    // written yet.
    EditLog(std::string projectPath, std::string projectUuid, std::uint64_t generation, std::uint64_t next,
            const std::vector<LogFile>& known = {}, std::uint64_t fullFile = EditLog::fullFile);
    ~EditLog();
    EditLog(const EditLog&) = delete;
    EditLog& operator=(const EditLog&) = delete;

    // Returns the edit's number when it is durable: written and synced. Error file.*, log.edit (no object, or
    // too large), log.lost (the file was removed or moved away, and edits before this one with it: save the
    // project), log.shared (another writer has made edits that this one does not know: open the project
    // again): then it is not in the log. After each of these but log.edit the next edit goes to a new file.
    std::uint64_t append(const Json& edit);

    std::uint64_t next() const { return m_next; }
    const std::string& path() const { return m_path; } // empty: nothing written yet, or a new file comes
    // The next edit begins a new file, so that this one can go once a generation holds all of it.
    void startNewFile(std::uint64_t generation);

private:
    void openFile();
    void closeFile();
    bool fileIsThere() const;
    void write(const std::string& frame);
    void withdraw();
    std::uint64_t lastIn(const std::string& path);
    void requireFirst(); // with m_next written

    std::string m_project, m_uuid, m_path;
    std::uint64_t m_generation, m_next, m_fullFile;
    std::uint64_t m_bytes = 0, m_headBytes = 0; // of whole frames; of the first one
    int m_descriptor = -1;
    std::map<std::string, LogFile> m_others; // as they were when they were last looked at
};

struct LogReading {
    std::vector<LoggedEdit> edits;  // numbers after `after`, ascending, each edit once
    std::vector<LogFile> files;     // of this project
    std::vector<std::string> notes; // one sentence for what a user should know
    std::uint64_t last = 0;         // highest number seen, or `after`
};

// Reads every log of the project. All whole frames are taken; with `keep` (of the project's writer) a damaged
// file, or the torn end of one, is copied to prev/ before anything else, and a note says it once; without
// `keep` a torn end is no news: another process may be writing it. Logs of other projects are left alone.
// Error file.* with `keep`, for a folder or a log that cannot be read.
LogReading readLogs(const std::string& projectPath, const std::string& projectUuid, std::uint64_t after,
                    bool keep = true);

// Removes the logs whose edits are all at most `through`, but not `except`. Never throws: what stays is read
// again and found to be known.
void removeLogs(const std::string& projectPath, const std::string& projectUuid, std::uint64_t through,
                const std::string& except = {});

} // namespace azimuth
