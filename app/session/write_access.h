// Whether this process may write a project, and why not. Thread-safe.
#pragma once

#include "core/base/error.h"
#include "core/project/project_lock.h"

#include <memory>
#include <mutex>
#include <string>

namespace azimuth {

inline void requireHeld(const ProjectLock& lock, const std::string& path) { // Error project.locklost
    if (!lock.held())
        throw Error("project.locklost",
                    "The lock of " + path + " was removed or taken over by another process.",
                    "Save this project under another name, then open both.");
}

class WriteAccess {
public:
    WriteAccess(std::string path, std::shared_ptr<ProjectLock> lock, std::string readOnly)
        : m_path(std::move(path)), m_lock(std::move(lock)), m_readOnly(std::move(readOnly)) {}

    std::shared_ptr<ProjectLock> lock() const {
        const std::lock_guard guard(m_mutex);
        return m_lock;
    }
    std::string readOnly() const { // empty: it may write
        const std::lock_guard guard(m_mutex);
        return m_readOnly;
    }
    void take(std::string path, std::shared_ptr<ProjectLock> lock) {
        const std::lock_guard guard(m_mutex);
        m_path = std::move(path);
        m_lock = std::move(lock);
        m_readOnly.clear();
    }
    // Error project.readonly, project.locklost.
    void require() const {
        const std::lock_guard guard(m_mutex);
        if (!m_readOnly.empty())
            throw Error("project.readonly", m_readOnly, "Save a copy under another name to change it.");
        if (m_lock)
            requireHeld(*m_lock, m_path);
    }

private:
    mutable std::mutex m_mutex;
    std::string m_path;
    std::shared_ptr<ProjectLock> m_lock;
    std::string m_readOnly;
};

} // namespace azimuth
