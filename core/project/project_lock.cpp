#include "core/project/project_lock.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/json.h"
#include "core/base/json_reader.h"
#include "core/base/time.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <pwd.h>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <utility>

namespace azimuth {
namespace {

constexpr std::uint64_t largestOwner = 4096; // and largest file of /proc that is read
constexpr int attempts = 16;                 // of a lock whose file others remove meanwhile

std::string kernelPath(const std::string& projectPath) { return projectPath + ".lock"; }
std::string ownerPath(const std::string& projectPath) { return projectPath + ".owner"; }

std::string hostName() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string lineOf(const std::string& file) { // empty: there is none
    try {
        auto text = readFile(file, largestOwner);
        while (!text.empty() && text.back() == '\n')
            text.pop_back();
        return text;
    } catch (const Error&) {
        return {};
    }
}

std::string bootId() { return lineOf("/proc/sys/kernel/random/boot_id"); }
std::string machineId() { return lineOf("/etc/machine-id"); }

std::string processNamespace() {
    std::error_code unknown;
    const auto name = std::filesystem::read_symlink("/proc/self/ns/pid", unknown);
    return unknown ? std::string() : name.string();
}

struct ProcessState {
    char letter = 0;          // Z: it has ended, and nobody has asked how
    std::int64_t started = 0; // clock ticks after the boot
};

// From /proc/<process>/stat: number (name) letter ..., the start as field 22; a name may hold anything.
std::optional<ProcessState> stateOf(std::int64_t process) {
    const auto text = lineOf("/proc/" + std::to_string(process) + "/stat");
    const auto name = text.rfind(')');
    if (name == std::string::npos)
        return {};
    std::istringstream fields(text.substr(name + 1));
    ProcessState state;
    fields >> state.letter;
    std::string skipped;
    for (int i = 4; i < 22; ++i)
        fields >> skipped;
    fields >> state.started;
    return fields ? std::optional(state) : std::nullopt;
}

std::string userName() {
    const auto* entry = ::getpwuid(::getuid());
    return entry && entry->pw_name ? entry->pw_name : std::to_string(::getuid());
}

LockOwner self() {
    LockOwner owner;
    owner.host = hostName();
    owner.user = userName();
    owner.program = "azimuth";
    owner.machine = machineId();
    owner.boot = bootId();
    owner.processes = processNamespace();
    owner.session = newUuid();
    owner.since = utcNow();
    owner.process = static_cast<std::int64_t>(::getpid());
    owner.started = stateOf(owner.process).value_or(ProcessState{}).started;
    return owner;
}

std::string textOf(const LockOwner& owner) {
    return canonicalJson({{"host", owner.host},
                          {"user", owner.user},
                          {"program", owner.program},
                          {"machine", owner.machine},
                          {"boot", owner.boot},
                          {"processes", owner.processes},
                          {"session", owner.session},
                          {"since", owner.since},
                          {"process", owner.process},
                          {"started", owner.started}}) +
           "\n";
}

// Anybody may have written it, or half of it.
std::optional<LockOwner> readOwner(const std::string& path) {
    try {
        JsonReader reader(parseJson(readFile(path, largestOwner), path), path, true);
        auto& root = reader.root();
        LockOwner owner;
        owner.host = root.text("host", "");
        owner.user = root.text("user", "");
        owner.program = root.text("program", "");
        owner.machine = root.text("machine", "");
        owner.boot = root.text("boot", "");
        owner.processes = root.text("processes", "");
        owner.session = root.text("session", "");
        owner.since = root.text("since", "");
        owner.process = root.integer("process", 0, std::int64_t{1} << 31, 0);
        owner.started = root.integer("started", 0, std::int64_t{1} << 53, 0);
        reader.finish();
        return owner;
    } catch (const Error&) {
        return {};
    }
}

[[noreturn]] void refuse(const std::string& projectPath, const std::optional<LockOwner>& owner) {
    throw Error("project.locked",
                projectPath + " is open for writing elsewhere" +
                    (owner ? ": " + owner->describe() : std::string(", by whom is not known")) + ".",
                "Work on in that window, or look at the project read-only here; Save As makes a copy.");
}

bool isGone(const LockOwner& owner) {
    if (owner.host != hostName() || owner.machine != machineId() || owner.boot.empty() || owner.process <= 0)
        return false;
    if (owner.boot != bootId()) // started anew; without an id it may as well be another machine of this name
        return !owner.machine.empty();
    if (owner.processes != processNamespace())
        return false;
    if (::kill(static_cast<pid_t>(owner.process), 0) != 0 && errno == ESRCH)
        return true;
    const auto state = stateOf(owner.process);
    return state && (state->letter == 'Z' || (owner.started > 0 && state->started != owner.started));
}

bool locksAreUnreliable(const std::string& projectPath) {
    auto folder = std::filesystem::path(projectPath).parent_path().string();
    struct statfs status {};
    if (::statfs(folder.empty() ? "." : folder.c_str(), &status) != 0)
        return false;
    // NFS, SMB, CIFS, SMB2, FUSE
    for (const std::uint32_t type : {0x6969u, 0x517Bu, 0xFF534D42u, 0xFE534D42u, 0x65735546u})
        if (static_cast<std::uint32_t>(status.f_type) == type)
            return true;
    return false;
}

std::string realPath(const std::string& projectPath) { // one lock through every link
    std::error_code unknown;
    const auto real = std::filesystem::weakly_canonical(projectPath, unknown);
    return unknown ? projectPath : real.string();
}

bool exists(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

// Moves an owner file away, unless it is a later one by now: then it is put back. Two processes may find the
// same file: only the one that moves it goes on.
bool removeOwner(const std::string& path, const std::optional<LockOwner>& known) {
    const auto aside = path + "." + newUuid();
    if (::rename(path.c_str(), aside.c_str()) != 0)
        return errno == ENOENT;
    const auto moved = readOwner(aside);
    const bool same = moved ? known && moved->session == known->session : !known;
    const bool back = !same && ::link(aside.c_str(), path.c_str()) == 0;
    ::unlink(aside.c_str());
    return !back;
}

// What a kernel's lock that could not be had leaves: a file without an owner, unless somebody else's.
void removeIfEmpty(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && status.st_size == 0)
        ::unlink(path.c_str());
}

struct KernelLock {
    bool locked = false;  // by a process of this machine, or by one that the file system knows of
    bool written = false; // its file is there and not empty
    std::optional<LockOwner> owner;
};

KernelLock kernelLock(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0)
        return {};
    struct stat status {};
    KernelLock lock;
    lock.locked = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    lock.written = ::fstat(descriptor, &status) == 0 && status.st_size > 0;
    ::close(descriptor);
    lock.owner = readOwner(path);
    return lock;
}

bool sameFile(int descriptor, const std::string& path) {
    struct stat ours {
    }, there{};
    return ::fstat(descriptor, &ours) == 0 && ::stat(path.c_str(), &there) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

} // namespace

bool LockOwner::isHere() const {
    return host == hostName() && machine == machineId() && boot == bootId() &&
           processes == processNamespace();
}

std::string LockOwner::describe() const {
    if (host.empty() && user.empty())
        return "a process that is not known";
    return "process " + std::to_string(process) + " of " + user + " on " + host + ", since " + since;
}

ProjectLock::ProjectLock(const std::string& projectPath, std::optional<Means> means) : m_self(self()) {
    const auto path = realPath(projectPath);
    const bool kernel = means ? *means == Means::Kernel : !locksAreUnreliable(path);
    if (!kernel || !lockKernel(path))
        lockOwnerFile(path);
}

bool ProjectLock::lockKernel(const std::string& projectPath) {
    m_path = kernelPath(projectPath);
    for (int i = 0; i < attempts; ++i) {
        const int descriptor = ::open(m_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (descriptor < 0)
            throw systemError("create", m_path, errno);
        if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            const int reason = errno;
            ::close(descriptor);
            if (reason == EWOULDBLOCK)
                refuse(projectPath, readOwner(m_path));
            if (reason == ENOLCK || reason == ENOSYS || reason == EOPNOTSUPP || reason == EINVAL) {
                removeIfEmpty(m_path);
                return false;
            }
            throw systemError("lock", m_path, reason);
        }
        if (sameFile(descriptor, m_path)) { // else its owner removed it while we waited
            m_descriptor = descriptor;
            m_means = Means::Kernel;
            writeOwner();
            refuseForOwnerFile(projectPath);
            return true;
        }
        ::close(descriptor);
    }
    refuse(projectPath, {});
}

// A machine that reaches the project through a network share has an owner file instead of the kernel's lock.
void ProjectLock::refuseForOwnerFile(const std::string& projectPath) {
    const auto path = ownerPath(projectPath);
    if (!exists(path))
        return;
    const auto owner = readOwner(path);
    if (owner && isGone(*owner) && removeOwner(path, owner))
        return;
    giveUp();
    refuse(projectPath, owner);
}

// A machine that has the project on its own disk has the kernel's lock there, which this one cannot ask for
// through the share; but the lock's file names its owner.
void ProjectLock::refuseForKernelLock(const std::string& projectPath) {
    const auto kernel = kernelLock(kernelPath(projectPath));
    if (!kernel.locked && (!kernel.written || (kernel.owner && isGone(*kernel.owner))))
        return;
    giveUp();
    refuse(projectPath, kernel.owner);
}

void ProjectLock::giveUp() {
    if (held())
        ::unlink(m_path.c_str());
    ::close(std::exchange(m_descriptor, -1));
}

void ProjectLock::lockOwnerFile(const std::string& projectPath) {
    m_path = ownerPath(projectPath);
    m_means = Means::OwnerFile;
    for (int i = 0; i < attempts; ++i) {
        m_descriptor = ::open(m_path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (m_descriptor >= 0) {
            writeOwner();
            return refuseForKernelLock(projectPath);
        }
        if (errno != EEXIST)
            throw systemError("create", m_path, errno);
        const auto owner = readOwner(m_path);
        if (!owner || !isGone(*owner))
            refuse(projectPath, owner);
        if (!removeOwner(m_path, owner))
            refuse(projectPath, readOwner(m_path));
    }
    refuse(projectPath, readOwner(m_path));
}

void ProjectLock::writeOwner() const {
    const auto text = textOf(m_self);
    // Only for people and messages; the lock holds without it.
    if (::ftruncate(m_descriptor, 0) != 0 ||
        ::pwrite(m_descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        return;
    ::fsync(m_descriptor);
}

ProjectLock::~ProjectLock() {
    if (m_descriptor >= 0)
        giveUp();
}

bool ProjectLock::held() const { return m_descriptor >= 0 && sameFile(m_descriptor, m_path); }

std::optional<LockOwner> ProjectLock::ownerOf(const std::string& projectPath) {
    const auto path = realPath(projectPath);
    const auto kernel = kernelLock(kernelPath(path));
    return kernel.locked ? kernel.owner : readOwner(ownerPath(path));
}

std::optional<LockOwner> ProjectLock::farOwner(const std::string& projectPath) {
    const auto path = realPath(projectPath);
    const auto kernel = kernelLock(kernelPath(path));
    if (kernel.locked)
        return {};
    LockOwner owner;
    if (exists(ownerPath(path)))
        owner = readOwner(ownerPath(path)).value_or(LockOwner{});
    else if (kernel.written)
        owner = kernel.owner.value_or(LockOwner{});
    else
        return {};
    return owner.isHere() ? std::nullopt : std::optional(owner);
}

void ProjectLock::takeOver(const std::string& projectPath, const LockOwner& owner) {
    const auto path = realPath(projectPath);
    const auto file = exists(ownerPath(path)) ? ownerPath(path) : kernelPath(path);
    if (!exists(file))
        return;
    const auto now = readOwner(file);
    if (kernelLock(kernelPath(path)).locked || (now ? now->session : std::string()) != owner.session ||
        !removeOwner(file, now))
        refuse(path, readOwner(file));
}

} // namespace azimuth
