// A file on its way into the program: one descriptor from the first byte that is looked at to the last one
// that is read, so that what was checked is what is opened, and a word on whether it changed meanwhile.
// Nothing here reads HDF5. One thread.
#pragma once

#include "core/base/file_identity.h"

#include <string>

namespace azimuth {

class SourceFile {
public:
    explicit SourceFile(const std::string& path); // Error file.open
    // A duplicate of a descriptor that is open already; path is its name in messages. Error file.open.
    SourceFile(int descriptor, const std::string& path);
    ~SourceFile();
    SourceFile(SourceFile&& other) noexcept;
    SourceFile& operator=(SourceFile&& other) noexcept;

    int descriptor() const { return m_descriptor; }
    const std::string& path() const { return m_path; }
    const FileIdentity& identity() const { return m_identity; } // when it was opened
    // Error project.changing if it was written to since it was opened.
    void requireUnchanged() const;

private:
    struct Owned {
        int value;
    };
    SourceFile(std::string path, Owned descriptor);
    void begin();

    std::string m_path;
    int m_descriptor = -1;
    FileIdentity m_identity;
};

} // namespace azimuth
