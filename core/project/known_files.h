// Which files this machine wrote, or has checked whole: a list of content digests (of the user block), one in
// hexadecimal a line, in $XDG_STATE_HOME/azimuth/known-files (~/.local/state without it). Everything that is
// published enters itself. What is not in the list is only checked once more, so nothing here ever fails: a
// list that cannot be read, belongs to another user or may be written by others is an empty one.
// Any number of processes may add at once. One thread per object.
#pragma once

#include "core/base/sha256.h"
#include "core/project/source_file.h"

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_set>

namespace azimuth {

class KnownFiles {
public:
    static constexpr std::size_t mostEntries = 16384; // then the older half goes

    explicit KnownFiles(std::string path = defaultPath());
    static std::string defaultPath(); // empty, where no home is known: nothing is remembered

    bool contains(const Digest& digest); // also what others have added since
    void remember(const Digest& digest);

private:
    void load();
    void forgetOldHalf();

    std::string m_path;
    std::unordered_set<std::string> m_entries;
    std::optional<FileIdentity> m_loaded; // the list's state when it was read
};

} // namespace azimuth
