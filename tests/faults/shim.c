// LD_PRELOAD library: faults in the file system calls of a program, and a trace of what they change.
//
//   AZIMUTH_FAULTS_ROOT   only files below this folder count (an absolute path without links)
//   AZIMUTH_FAULTS        words separated by commas; faults are armed from the start unless "step" is among
//                         them, then azimuth_faults(1) arms them and azimuth_faults(0) takes them away
//       kill=N            SIGKILL before the N-th call that changes something
//       CALL=N:ERRNO      the N-th call of this kind fails, 0: every one; CALL is create, write, sync, rename
//                         (also link), remove, lock or read (also opening a folder)
//       space=BYTES       so much can be written; then writes and new files fail with ENOSPC, and statvfs
//       says so free=BYTES        what statvfs says from the start clock=SECONDS     the wall clock is moved
//       by so much lies=1            locks are granted to everybody
//       exchange=ERRNO        renames with flags fail, as where a file system has none
//   AZIMUTH_FAULTS_TRACE  file for the trace: records of struct record, each followed by two paths and the
//   data
//
// Real calls go to the kernel directly, so nothing here calls itself. What a program changes by a call that
// is not among these would be missing from the trace: the replay of a whole trace is compared with the real
// folder.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))
enum { descriptors = 4096, most_faults = 8 };

enum call { CREATE, WRITE, SYNC, RENAME, REMOVE, LOCK, READ, calls };
static const char* const call_names[calls] = {"create", "write", "sync", "rename", "remove", "lock", "read"};

enum event {
    OPENED = 1,
    WRITTEN,
    TRUNCATED,
    SYNCED,
    RENAMED,
    LINKED,
    REMOVED,
    FOLDER_MADE,
    READ_FROM,
    ACKNOWLEDGED,
    STEP,
    CLOSED
};
struct record {
    uint32_t event, flags; // flags of OPENED: 1 created, 2 emptied; of STEP: armed
    uint64_t handle, offset, bytes;
    uint32_t path_bytes, other_bytes;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int started, armed, exhausted, locks_lie, trace = -1;
static char root[PATH_MAX];
static long kill_at = -1, changes, seen[calls], clock_shift;
static int exchange_error;
static long long space = -1, free_bytes = -1;
static struct {
    enum call call;
    long nth;
    int error;
} faults[most_faults];
static int fault_count;
static uint64_t handles[descriptors], next_handle = 1; // 0: not ours

static void give_up(const char* why) {
    static const char name[] = "faults shim: ";
    syscall(SYS_write, 2, name, sizeof name - 1);
    syscall(SYS_write, 2, why, strlen(why));
    syscall(SYS_write, 2, "\n", 1);
    abort();
}

static void read_word(char* word) {
    char* value = strchr(word, '=');
    if (strcmp(word, "step") == 0) {
        armed = 0;
        return;
    }
    if (!value)
        give_up("a word of AZIMUTH_FAULTS has no value");
    *value++ = 0;
    if (strcmp(word, "kill") == 0)
        kill_at = atol(value);
    else if (strcmp(word, "space") == 0)
        space = atoll(value);
    else if (strcmp(word, "free") == 0)
        free_bytes = atoll(value);
    else if (strcmp(word, "lies") == 0)
        locks_lie = atoi(value);
    else if (strcmp(word, "clock") == 0)
        clock_shift = atol(value);
    else if (strcmp(word, "exchange") == 0)
        exchange_error = atoi(value);
    else {
        int call = 0;
        while (call < calls && strcmp(word, call_names[call]) != 0)
            ++call;
        const char* error = strchr(value, ':');
        if (call == calls || !error || fault_count == most_faults)
            give_up("AZIMUTH_FAULTS is not understood");
        faults[fault_count].call = (enum call)call;
        faults[fault_count].nth = atol(value);
        faults[fault_count++].error = atoi(error + 1);
    }
}

static void start(void) {
    if (started)
        return;
    started = armed = 1;
    const char* folder = getenv("AZIMUTH_FAULTS_ROOT");
    snprintf(root, sizeof root, "%s/", folder ? folder : "/nowhere");
    const char* path = getenv("AZIMUTH_FAULTS_TRACE");
    if (path)
        trace = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const char* words = getenv("AZIMUTH_FAULTS");
    char* copy = strdup(words ? words : "");
    for (char *rest = NULL, *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
        read_word(word);
    free(copy);
}

static void enter(void) {
    pthread_mutex_lock(&mutex);
    start();
}
static void leave(void) {
    const int error = errno;
    pthread_mutex_unlock(&mutex);
    errno = error;
}
__attribute__((constructor)) static void begin(void) {
    enter();
    leave();
}
static long fail(int error) {
    errno = error;
    return -1;
}

// 0, or the errno that the call fails with.
static int fault_of(enum call call) {
    if (!armed)
        return 0;
    const long n = ++seen[call];
    if (call != READ && call != LOCK && ++changes == kill_at)
        syscall(SYS_kill, getpid(), SIGKILL);
    for (int i = 0; i < fault_count; ++i)
        if (faults[i].call == call && (faults[i].nth == 0 || faults[i].nth == n))
            return faults[i].error;
    return call == CREATE && exhausted ? ENOSPC : 0;
}

static void note(enum event event, uint32_t flags, uint64_t handle, uint64_t offset, const void* data,
                 uint64_t bytes, const char* path, const char* other) {
    if (trace < 0)
        return;
    struct record record = {event,
                            flags,
                            handle,
                            offset,
                            bytes,
                            path ? (uint32_t)strlen(path) : 0,
                            other ? (uint32_t)strlen(other) : 0};
    struct iovec parts[] = {{&record, sizeof record},
                            {(void*)path, record.path_bytes},
                            {(void*)other, record.other_bytes},
                            {(void*)data, data ? bytes : 0}};
    const int error = errno;
    if (syscall(SYS_writev, trace, parts, 4) < (long)sizeof record)
        give_up("the trace cannot be written");
    errno = error;
}

// The path without links in its folder part; 0 if it is not below the root.
static int resolve(int folder, const char* path, char out[PATH_MAX]) {
    char joined[2 * PATH_MAX], real[PATH_MAX];
    if (path[0] == '/' || folder == AT_FDCWD) {
        snprintf(joined, sizeof joined, "%s", path);
    } else {
        char link[64], base[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        const long size = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
        if (size < 0)
            return 0;
        base[size] = 0;
        snprintf(joined, sizeof joined, "%s/%s", base, path);
    }
    size_t length = strlen(joined);
    while (length > 1 && joined[length - 1] == '/')
        joined[--length] = 0;
    char* slash = strrchr(joined, '/');
    const char* name = slash ? slash + 1 : joined;
    const int error = errno;
    if (slash)
        *slash = 0;
    const char* parent = !slash ? "." : joined[0] ? joined : "/";
    const int found = realpath(parent, real) != NULL;
    errno = error;
    return found && snprintf(out, PATH_MAX, "%s/%s", real, name) < PATH_MAX &&
           strncmp(out, root, strlen(root)) == 0;
}

static uint64_t handle_of(int fd) { return fd >= 0 && fd < descriptors ? handles[fd] : 0; }

static long do_open(int folder, const char* path, int flags, mode_t mode) {
    char name[PATH_MAX];
    enter();
    const int known = resolve(folder, path, name);
    const int there = known && syscall(SYS_faccessat, folder, path, F_OK) == 0;
    const int changing = (flags & O_CREAT && !there) || flags & O_TRUNC;
    int error = 0;
    const int listing = known && there && flags & O_DIRECTORY; // or to sync the folder
    // Opening for writing is what a folder or a file without permission refuses, so it counts too.
    if (known && (changing || (flags & O_ACCMODE) != O_RDONLY))
        error = fault_of(CREATE);
    else if (listing)
        error = fault_of(READ);
    errno = 0;
    long fd = error ? fail(error) : syscall(SYS_openat, folder, path, flags, mode);
    if (fd >= descriptors)
        give_up("too many open files");
    if (fd >= 0) {
        handles[fd] = 0;
        char link[64], real[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%ld", fd);
        const long size = syscall(SYS_readlinkat, AT_FDCWD, link, real, sizeof real - 1);
        real[size > 0 ? size : 0] = 0;
        char with_slash[PATH_MAX + 1];
        snprintf(with_slash, sizeof with_slash, "%s/", real);
        if (strncmp(with_slash, root, strlen(root)) == 0) {
            handles[fd] = next_handle++;
            note(OPENED, (flags & O_CREAT && !there ? 1u : 0u) | (flags & O_TRUNC ? 2u : 0u), handles[fd], 0,
                 NULL, 0, real, NULL);
            if (listing)
                note(READ_FROM, 0, handles[fd], 0, NULL, 0, NULL, NULL);
        }
    }
    leave();
    return fd;
}

static mode_t mode_of(int flags, va_list rest) {
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}
#define OPEN(name)                                                                                           \
    PUBLIC int name(const char* path, int flags, ...) {                                                      \
        va_list rest;                                                                                        \
        va_start(rest, flags);                                                                               \
        const mode_t mode = mode_of(flags, rest);                                                            \
        va_end(rest);                                                                                        \
        return (int)do_open(AT_FDCWD, path, flags, mode);                                                    \
    }
#define OPENAT(name)                                                                                         \
    PUBLIC int name(int folder, const char* path, int flags, ...) {                                          \
        va_list rest;                                                                                        \
        va_start(rest, flags);                                                                               \
        const mode_t mode = mode_of(flags, rest);                                                            \
        va_end(rest);                                                                                        \
        return (int)do_open(folder, path, flags, mode);                                                      \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
PUBLIC int creat(const char* path, mode_t mode) {
    return (int)do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

PUBLIC int close(int fd) {
    enter();
    if (handle_of(fd)) {
        note(CLOSED, 0, handles[fd], 0, NULL, 0, NULL, NULL);
        handles[fd] = 0;
    }
    const long result = syscall(SYS_close, fd);
    leave();
    return (int)result;
}

// offset < 0: at the descriptor's own place.
static ssize_t do_write(int fd, const void* data, size_t size, off_t offset) {
    enter();
    ssize_t result;
    const uint64_t handle = handle_of(fd);
    if (!handle) {
        result =
            offset < 0 ? syscall(SYS_write, fd, data, size) : syscall(SYS_pwrite64, fd, data, size, offset);
        if (fd == 1 && result > 0)
            note(ACKNOWLEDGED, 0, 0, 0, data, (uint64_t)result, NULL, NULL);
        leave();
        return result;
    }
    int error = fault_of(WRITE);
    if (!error && armed && space >= 0 && size > 0) {
        if (space == 0) {
            exhausted = 1;
            error = ENOSPC;
        } else if ((long long)size > space) {
            size = (size_t)space;
        }
    }
    if (error) {
        result = fail(error);
    } else {
        const off_t end =
            syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND ? syscall(SYS_lseek, fd, 0, SEEK_END) : 0;
        const off_t at = offset >= 0 ? offset : end ? end : syscall(SYS_lseek, fd, 0, SEEK_CUR);
        result =
            offset < 0 ? syscall(SYS_write, fd, data, size) : syscall(SYS_pwrite64, fd, data, size, offset);
        if (result > 0) {
            if (armed && space >= 0)
                space -= result;
            note(WRITTEN, 0, handle, (uint64_t)at, data, (uint64_t)result, NULL, NULL);
        }
    }
    leave();
    return result;
}
PUBLIC ssize_t write(int fd, const void* data, size_t size) { return do_write(fd, data, size, -1); }
PUBLIC ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
    return do_write(fd, data, size, at);
}
PUBLIC ssize_t pwrite64(int fd, const void* data, size_t size, off_t at) {
    return do_write(fd, data, size, at);
}
static ssize_t do_writev(int fd, const struct iovec* parts, int count, off_t offset) {
    ssize_t sum = 0;
    for (int i = 0; i < count; ++i) {
        const ssize_t result =
            do_write(fd, parts[i].iov_base, parts[i].iov_len, offset < 0 ? -1 : offset + sum);
        if (result < 0)
            return sum > 0 ? sum : result;
        sum += result;
        if ((size_t)result < parts[i].iov_len)
            break;
    }
    return sum;
}
PUBLIC ssize_t writev(int fd, const struct iovec* parts, int count) {
    return do_writev(fd, parts, count, -1);
}
PUBLIC ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t at) {
    return do_writev(fd, parts, count, at);
}
PUBLIC ssize_t pwritev64(int fd, const struct iovec* parts, int count, off_t at) {
    return do_writev(fd, parts, count, at);
}

// Copies between files go through the calls above; a program that is refused them falls back to those.
PUBLIC ssize_t copy_file_range(int in, off_t* from, int out, off_t* to, size_t size, unsigned flags) {
    if (handle_of(out))
        return fail(ENOSYS);
    return syscall(SYS_copy_file_range, in, from, out, to, size, flags);
}
PUBLIC ssize_t sendfile(int out, int in, off_t* from, size_t size) {
    if (handle_of(out))
        return fail(ENOSYS);
    return syscall(SYS_sendfile, out, in, from, size);
}
PUBLIC ssize_t sendfile64(int out, int in, off_t* from, size_t size) { return sendfile(out, in, from, size); }
static int do_truncate(int fd, off_t size) {
    enter();
    const uint64_t handle = handle_of(fd);
    const int error = handle ? fault_of(WRITE) : 0;
    const long result = error ? fail(error) : syscall(SYS_ftruncate, fd, size);
    if (handle && result == 0)
        note(TRUNCATED, 0, handle, (uint64_t)size, NULL, 0, NULL, NULL);
    leave();
    return (int)result;
}
PUBLIC int ftruncate(int fd, off_t size) { return do_truncate(fd, size); }
PUBLIC int ftruncate64(int fd, off_t size) { return do_truncate(fd, size); }
PUBLIC int truncate(const char* path, off_t size) {
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    const int result = do_truncate(fd, size), error = errno;
    close(fd);
    errno = error;
    return result;
}
PUBLIC int truncate64(const char* path, off_t size) { return truncate(path, size); }
PUBLIC int fallocate(int fd, int mode, off_t at, off_t size) {
    return handle_of(fd) ? (int)fail(EOPNOTSUPP) : (int)syscall(SYS_fallocate, fd, mode, at, size);
}
PUBLIC int fallocate64(int fd, int mode, off_t at, off_t size) { return fallocate(fd, mode, at, size); }
PUBLIC int posix_fallocate(int fd, off_t at, off_t size) {
    return handle_of(fd) ? EOPNOTSUPP : syscall(SYS_fallocate, fd, 0, at, size) == 0 ? 0 : errno;
}
PUBLIC int posix_fallocate64(int fd, off_t at, off_t size) { return posix_fallocate(fd, at, size); }
static void* do_mmap(void* address, size_t size, int protection, int flags, int fd, off_t at) {
    if (fd >= 0 && handle_of(fd) && protection & PROT_WRITE && (flags & MAP_TYPE) != MAP_PRIVATE)
        give_up("a file is mapped for writing: that cannot be traced");
    return (void*)syscall(SYS_mmap, address, size, protection, flags, fd, at);
}
PUBLIC void* mmap(void* a, size_t n, int p, int f, int fd, off_t at) { return do_mmap(a, n, p, f, fd, at); }
PUBLIC void* mmap64(void* a, size_t n, int p, int f, int fd, off_t at) { return do_mmap(a, n, p, f, fd, at); }

static int do_sync(int fd, long number) {
    enter();
    const uint64_t handle = handle_of(fd);
    const int error = handle ? fault_of(SYNC) : 0;
    const long result = error ? fail(error) : syscall(number, fd);
    if (handle && result == 0)
        note(SYNCED, 0, handle, 0, NULL, 0, NULL, NULL);
    leave();
    return (int)result;
}
PUBLIC int fsync(int fd) { return do_sync(fd, SYS_fsync); }
PUBLIC int fdatasync(int fd) { return do_sync(fd, SYS_fdatasync); }

static int do_names(enum event event, int from_folder, const char* from, int to_folder, const char* to,
                    int flags) {
    char a[PATH_MAX] = "", b[PATH_MAX] = "";
    enter();
    const int ours = (resolve(from_folder, from, a) + resolve(to_folder, to, b)) > 0;
    int error = ours ? fault_of(RENAME) : 0;
    if (!error && armed && ours && event == RENAMED && flags)
        error = exchange_error;
    const long result = error              ? fail(error)
                        : event == RENAMED ? syscall(SYS_renameat2, from_folder, from, to_folder, to, flags)
                                           : syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    if (ours && result == 0)
        note(event, (uint32_t)flags, 0, 0, NULL, 0, a, b);
    leave();
    return (int)result;
}
PUBLIC int rename(const char* a, const char* b) { return do_names(RENAMED, AT_FDCWD, a, AT_FDCWD, b, 0); }
PUBLIC int renameat(int f, const char* a, int t, const char* b) { return do_names(RENAMED, f, a, t, b, 0); }
PUBLIC int renameat2(int f, const char* a, int t, const char* b, unsigned flags) {
    return do_names(RENAMED, f, a, t, b, (int)flags);
}
PUBLIC int link(const char* a, const char* b) { return do_names(LINKED, AT_FDCWD, a, AT_FDCWD, b, 0); }
PUBLIC int linkat(int f, const char* a, int t, const char* b, int flags) {
    return do_names(LINKED, f, a, t, b, flags);
}

static int do_remove(int folder, const char* path, int flags) {
    char name[PATH_MAX];
    enter();
    const int ours = resolve(folder, path, name);
    const int error = ours ? fault_of(REMOVE) : 0;
    const long result = error ? fail(error) : syscall(SYS_unlinkat, folder, path, flags);
    if (ours && result == 0)
        note(REMOVED, 0, 0, 0, NULL, 0, name, NULL);
    leave();
    return (int)result;
}
PUBLIC int unlink(const char* path) { return do_remove(AT_FDCWD, path, 0); }
PUBLIC int unlinkat(int folder, const char* path, int flags) { return do_remove(folder, path, flags); }
PUBLIC int rmdir(const char* path) { return do_remove(AT_FDCWD, path, AT_REMOVEDIR); }
PUBLIC int remove(const char* path) {
    const int result = do_remove(AT_FDCWD, path, 0);
    return result != 0 && errno == EISDIR ? do_remove(AT_FDCWD, path, AT_REMOVEDIR) : result;
}
static int do_mkdir(int folder, const char* path, mode_t mode) {
    char name[PATH_MAX];
    enter();
    const int ours = resolve(folder, path, name);
    const int there = ours && syscall(SYS_faccessat, folder, path, F_OK) == 0;
    const int error = ours && !there ? fault_of(CREATE) : 0;
    const long result = error ? fail(error) : syscall(SYS_mkdirat, folder, path, mode);
    if (ours && result == 0)
        note(FOLDER_MADE, 0, 0, 0, NULL, 0, name, NULL);
    leave();
    return (int)result;
}
PUBLIC int mkdir(const char* path, mode_t mode) { return do_mkdir(AT_FDCWD, path, mode); }
PUBLIC int mkdirat(int folder, const char* path, mode_t mode) { return do_mkdir(folder, path, mode); }

static ssize_t do_read(int fd, void* out, size_t size, off_t offset) {
    enter();
    const uint64_t handle = handle_of(fd);
    const int error = handle ? fault_of(READ) : 0;
    if (handle)
        note(READ_FROM, 0, handle, 0, NULL, 0, NULL, NULL);
    leave(); // a read from a pipe may wait
    if (error)
        return fail(error);
    return offset < 0 ? syscall(SYS_read, fd, out, size) : syscall(SYS_pread64, fd, out, size, offset);
}
PUBLIC ssize_t read(int fd, void* out, size_t size) { return do_read(fd, out, size, -1); }
PUBLIC ssize_t pread(int fd, void* out, size_t size, off_t at) { return do_read(fd, out, size, at); }
PUBLIC ssize_t pread64(int fd, void* out, size_t size, off_t at) { return do_read(fd, out, size, at); }

PUBLIC int flock(int fd, int operation) {
    enter();
    const uint64_t handle = handle_of(fd);
    const int error = handle ? fault_of(LOCK) : 0;
    const long result = error ? fail(error) : handle && locks_lie ? 0 : syscall(SYS_flock, fd, operation);
    leave();
    return (int)result;
}

PUBLIC int statvfs(const char* path, struct statvfs* out) {
    struct statfs status;
    if (syscall(SYS_statfs, path, &status) != 0)
        return -1;
    memset(out, 0, sizeof *out);
    out->f_bsize = (unsigned long)status.f_bsize;
    out->f_frsize = (unsigned long)(status.f_frsize ? status.f_frsize : status.f_bsize);
    out->f_blocks = status.f_blocks;
    out->f_bfree = out->f_bavail = status.f_bavail;
    enter();
    const long long said = exhausted && armed ? space : armed ? free_bytes : -1;
    if (said >= 0)
        out->f_bfree = out->f_bavail = (fsblkcnt_t)said / out->f_frsize;
    leave();
    return 0;
}
PUBLIC int statvfs64(const char* path, struct statvfs64* out) { return statvfs(path, (struct statvfs*)out); }

PUBLIC int clock_gettime(clockid_t clock, struct timespec* out) {
    const long result = syscall(SYS_clock_gettime, clock, out);
    if (result == 0 && clock == CLOCK_REALTIME && started)
        out->tv_sec += clock_shift;
    return (int)result;
}
PUBLIC time_t time(time_t* out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
PUBLIC int gettimeofday(struct timeval* out, void* zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

// The program calls it before and after the step that is meant.
PUBLIC void azimuth_faults(int on) {
    enter();
    armed = on;
    memset(seen, 0, sizeof seen);
    changes = 0;
    exhausted = exhausted && on;
    note(STEP, (uint32_t)on, 0, 0, NULL, 0, NULL, NULL);
    leave();
}
