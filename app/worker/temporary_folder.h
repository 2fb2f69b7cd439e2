// A folder of this process under $TMPDIR, removed with everything in it.
#pragma once

#include "core/base/error.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace azimuth::worker {

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::error_code failure;
        const auto base = std::filesystem::temp_directory_path(failure);
        m_path = (failure ? std::filesystem::path("/tmp") : base) / "azimuth-worker-XXXXXX";
        if (!mkdtemp(m_path.data()))
            throw systemError("create", m_path, errno);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::string& path() const { return m_path; }
    std::string file(const std::string& name) const { return m_path + "/" + name; }

private:
    std::string m_path;
};

} // namespace azimuth::worker
