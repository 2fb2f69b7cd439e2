// Publishes one file so that a reader sees the old content or the new, never a mixture, and so that
// "published" survives a power cut: free-space check, temporary file, write, fsync, fence, rename, fsync of
// the folder. With a fence nothing is replaced that the fence has not seen: the new file and the old one
// change places in one step, what came out is looked at, and if another program put it there meanwhile it
// goes back. Every file Azimuth writes goes through here. One thread per object.
#pragma once

#include "core/base/error.h"
#include "core/base/file_identity.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace azimuth {

class AtomicFile {
public:
    struct Options {
        std::string temporaryFolder; // empty, or not on the target's file system: the target's own folder
        // Refused where so much and a fifth more, and the reserve, are not free. 0: not known beforehand.
        std::uint64_t expectedBytes = 0;
        std::string uuid; // in the name of the temporary file; empty: a new one
        // Called after fsync, before rename; throws to refuse. What lies at the target then, a file in some
        // state or none, must still be there when it is replaced. Where the file system cannot exchange
        // two files, that is only looked at just before the rename.
        std::function<void()> fence;
        std::uint64_t reserve = std::uint64_t{64} << 20; // for what else is written meanwhile
    };

    // Creates the temporary file (mode of an existing target, else 0644). Error file.open, file.space.
    explicit AtomicFile(std::string target);
    AtomicFile(std::string target, Options options);
    ~AtomicFile(); // removes the temporary file unless published
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    const std::string& target() const { return m_target; }
    const std::string& temporaryPath() const { return m_temporary; }
    int descriptor() const { return m_descriptor; }

    void write(std::span<const std::byte> bytes); // appends; Error file.write
    void write(std::string_view text);
    void writeAt(std::uint64_t offset, std::span<const std::byte> bytes);

    // fsync, fence, rename, fsync of the folder. After return the content is durable. Error file.*
    // (file.changed: another program replaced the target behind the fence's back); then the target is as
    // before, unless the fsync of its folder failed after the rename: then one that was new is
    // removed again, and one that was replaced stays replaced, nobody knows whether durably.
    void publish();

    // Whether a file name is that of a temporary file, of any target or of the one with this file name.
    static bool isTemporaryName(std::string_view name, std::string_view target = {});

    // The Error for a write of the temporary file that failed with this errno.
    Error writeError(int errorNumber) const;

private:
    void replace();
    void replaceWhatTheFenceSaw(const std::optional<FileIdentity>& seen);
    void putBack();
    void syncTarget();

    std::string m_target, m_temporary;
    Options m_options;
    int m_descriptor = -1;
    bool m_replaces = false;
    bool m_keepsTemporary = false; // what has the temporary name is not known to be ours, or gone
};

// Small files: no reserve.
void writeFileAtomically(const std::string& path, std::string_view content);
void copyFileAtomically(const std::string& from, const std::string& to);

// The whole file as bytes. Error file.open, file.read, file.size when it has more than maximumBytes.
std::string readFile(const std::string& path, std::uint64_t maximumBytes);

void syncFolder(const std::string& folder); // fsync of a directory

// Free bytes for this user on the file system of a path.
std::uint64_t freeBytes(const std::string& path);

// Error file.write for a path, or file.space with what is needed and what is free if the disk is full.
Error writeError(const std::string& path, std::uint64_t neededBytes, int errorNumber);

} // namespace azimuth
