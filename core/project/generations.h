// Earlier generations of a project: <project>.d/prev/<name>.<generation>.h5, hard links to what a save
// replaced (copies where the file system has no links). Nothing here reads HDF5. One thread per project.
#pragma once

#include "core/project/user_block.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

struct EarlierGeneration {
    std::string path;
    UserBlock block; // generation, time, program, digest; the content is not hashed
};

// Newest first, those of the project `uuid` only (empty: of any). What is no project file is left out;
// unreadable: files that could not be read and may be some. Error file.read for the folder.
std::vector<EarlierGeneration> earlierGenerations(const std::string& projectPath,
                                                  const std::string& uuid = {},
                                                  std::vector<std::string>* unreadable = nullptr);

// Keeps the file at projectPath, whose block this is, as an earlier generation: durable after return. One
// that is kept already stays. Error file.*.
void keepGeneration(const std::string& projectPath, const UserBlock& block);

inline constexpr std::size_t keptGenerations = 3;
// Removes what is older than the newest `keptGenerations` of this project in this program's format or a
// newer. Generations in an older format are what a new program migrated from; they stay. Never throws: what
// cannot be removed stays.
void pruneGenerations(const std::string& projectPath, const std::string& uuid);

// Shards whose results `generation` is the first to hold go to prev/shards/<generation>-<name> and stay as
// long as a kept generation of this project lacks them, so that one that is gone back to can have them again,
// as it has the log. Never throws: a shard that stays where it was is merged again at the next opening, and
// known.
void keepShards(const std::string& projectPath, const std::string& uuid, std::uint64_t generation,
                const std::vector<std::string>& shards);
// Puts those that `generation` lacks back where they are adopted from. Error file.*: some may be back.
void returnShards(const std::string& projectPath, const std::string& uuid, std::uint64_t generation);

// A save exchanges two files and looks at the one that came out. If it was killed before it could, and prev/
// does not have what that one holds, another program put it there at the last moment: it goes to prev/ as
// <name>.replaced-<time>. For the owner of the project's lock, before removeLeftovers. Never throws.
struct Replaced {
    std::vector<std::string> kept; // in prev/
    std::vector<std::string> left; // what could not be kept or told: not to be removed
};
Replaced keepReplaced(const std::string& projectPath);

// Keeps the file at projectPath, which is no generation to go back to, as prev/<name>.<word>-<time>
// ("changed": another program changed it; "damaged"); it stays where it is too. Durable after return; says
// where. Error file.*.
std::string keepAside(const std::string& projectPath, const std::string& word);

} // namespace azimuth
