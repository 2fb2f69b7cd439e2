// Who may write a project: one process at a time. A lock of the kernel on <project>.lock, which dies with its
// process; where a file system has none (network shares), an owner file <project>.owner that names machine,
// boot and process. Each looks at the other one's file after it has made its own, so that a machine that
// reaches the project through a share and one that has it on its disk see each other. Held from construction
// to destruction; a reader takes none. Nothing here reads HDF5. One thread.
//
// The lock is the first line; the generation fence of saveProject is the second, so that two writers cannot
// overwrite each other even where locks lie.
//
// Errors: project.locked (somebody else has it: who, where, since when), file.* where no lock file can be
// made (a read-only folder).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace azimuth {

struct LockOwner {
    std::string host, user, program;
    std::string machine, boot;  // ids: of the installation (may be missing), of its start
    std::string processes;      // the namespace that the process number belongs to
    std::string session, since; // session: a uuid; since: UTC text
    std::int64_t process = 0;
    std::int64_t started = 0; // of the process, clock ticks after the boot: numbers are used again

    bool isHere() const;          // on this machine, in this boot, where process numbers mean the same
    std::string describe() const; // "process 4711 of ana on hal, since 2026-03-14T09:26:53Z"
};

class ProjectLock {
public:
    enum class Means { Kernel, OwnerFile };

    // means: nothing: by file system. A stale owner file of this machine (another boot, or a process that is
    // gone, even if another one has its number now) is replaced; one of another machine, or of one that
    // cannot be told from this one for want of a machine id, only by takeOver.
    explicit ProjectLock(const std::string& projectPath, std::optional<Means> means = {});
    ~ProjectLock();
    ProjectLock(const ProjectLock&) = delete;
    ProjectLock& operator=(const ProjectLock&) = delete;

    Means means() const { return m_means; }
    const std::string& path() const { return m_path; }
    // False once the lock's file has been removed or replaced: then another process may be writing.
    bool held() const;

    // Who has the project now; nothing if nobody does or nobody knows.
    static std::optional<LockOwner> ownerOf(const std::string& projectPath);
    // The owner that only a user can know to be gone: the one an owner file names, or the file of a lock that
    // another machine's kernel may hold, if it is not a process of this machine. All its fields are empty if
    // the file does not tell. Nothing: there is none.
    static std::optional<LockOwner> farOwner(const std::string& projectPath);
    // Removes the owner file (or the file of a lock) of this owner, on the word of a user who knows that it
    // is gone. Should it be alive after all, its lock is lost (held) and it saves no more. Error
    // project.locked if another one is there.
    static void takeOver(const std::string& projectPath, const LockOwner& owner);

private:
    bool lockKernel(const std::string& projectPath); // false: the file system has no locks
    void refuseForOwnerFile(const std::string& projectPath);
    void refuseForKernelLock(const std::string& projectPath);
    void giveUp();
    void lockOwnerFile(const std::string& projectPath);
    void writeOwner() const;

    std::string m_path;
    LockOwner m_self;
    Means m_means = Means::Kernel;
    int m_descriptor = -1;
};

} // namespace azimuth
