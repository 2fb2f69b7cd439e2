// A project on disk: one immutable HDF5 file per generation, replaced as a whole (FORMAT.md). All functions
// use HDF5 on the calling thread only: call them from one thread of a process (the window's I/O thread, a
// verb's main thread).
//
// Every write goes to a temporary file in <project>.d/tmp, is fsynced, and renamed over the project; a full
// disk or any other error leaves the earlier generation as it is and throws azimuth::Error.
#pragma once

#include "core/base/array.h"
#include "core/project/file_checker.h"
#include "core/project/merge.h"
#include "core/project/side_folder.h"
#include "core/study/project_view.h"

#include <functional>
#include <string>
#include <vector>

namespace azimuth {

// Publishes generation 1, which holds the study and nothing else. Error project.exists if there is a file,
// file.*.
ProjectView createProject(const std::string& path, const Study& study);

// The whole project. Digest first; then each table is checked while it is read (types, sizes before
// allocation, enumerations, offsets, references). Tensors of banks are read if all of them together have at
// most 64 MB; otherwise DirectionBank::tensor stays empty and readBankTensor gives it. Shards are not looked
// at: see adoptShards. Error file.open, project.foreign, project.kind, project.truncated, project.damaged,
// project.newer, project.content, project.hdf5 (HDF5 itself cannot make sense of it), file.read.
ProjectView openProject(const std::string& path);
// One that a FileChecker has admitted, with every tensor, from the same open file. Error also
// project.changing.
ProjectView openProject(const CheckedFile& file);

struct Publishing {
    // Receives the uuid in the new file's user block, also when the save throws: if that file is at its path
    // then, the earlier one was replaced and only the durability is unknown.
    std::string* fileUuid = nullptr;
    // Called as the last thing before the file is replaced; throws to refuse (a lock that was lost).
    std::function<void()> stillAllowed;
};

inline constexpr const char* droppedAction = "drop unknown"; // of a provenance record

// Publishes `view` as generation view.generation + 1 and returns it with the new generation and time. The
// generation it replaces is kept (generations.h), the last three of them. Tensors
// that the view does not hold are taken from the generation on disk. What a newer program put into it and
// this one does not know is kept, and the file stays in that format (carry_over.h); what cannot be kept is
// told by provenance records with the action `droppedAction`, which the returned view has too. Error
// project.changed if the file on disk is not the one that the view came from (view.generation and
// view.fileUuid of the same project: another program put another one there), also if it comes at the last
// moment; project.value; file.*.
ProjectView saveProject(const std::string& path, const ProjectView& view, const Publishing& publishing = {});
// The same over a file that another program changed (CheckedFile::altered) and that lies there still as it
// was opened; it is kept in prev/ as <name>.changed-<time>. Error project.changed, file.*.
ProjectView saveOverAltered(const std::string& path, const ProjectView& view, const CheckedFile& opened,
                            const Publishing& publishing = {});
// Publishes what comes from an earlier generation in place of a file that cannot be opened, which is kept in
// prev/ as <name>.damaged-<time> (`kept`; empty: there was none). Until then it stays where it is. Error
// file.*.
ProjectView replaceDamaged(const std::string& path, const ProjectView& view, const CheckedFile& earlier,
                           std::string* kept);

// What a save could not keep, one sentence each: the records that `after` has beyond `before`.
std::vector<std::string> droppedNotes(const ProjectView& before, const ProjectView& after);

// Publishes `view` at another path as a project of its own (new uuid, generation 1), replacing what is there,
// which is kept in prev/ as <name>.replaced-<time>. Tensors that the view does not hold are taken from
// `from`, the path it was opened at. The side folder is not copied. Error project.changed, file.*.
ProjectView saveProjectAs(const std::string& path, const ProjectView& view, const std::string& from,
                          const Publishing& publishing = {});

// [position][k][d] of one bank. Checks the user block and the tensor's own checksums, not the whole file's
// digest. Error as openProject; project.content if there is no such bank.
ArrayF readBankTensor(const std::string& path, const std::string& bankKey);

struct ShardProblem {
    std::string path, code, text;
};

struct Adoption {
    ProjectView view; // with every good shard merged
    MergeCount merged;
    std::vector<std::string> adopted;   // shards that are in view now, also those that held nothing new
    std::vector<std::string> foreign;   // shards of other projects, left alone
    std::vector<ShardProblem> problems; // unreadable shards, left alone
};

// Merges every shard in <project>.d/shards whose project uuid is view.uuid and that the checker admits. Never
// throws for a bad shard, but Error cancelled from the checker's keepGoing, and file.read for the folder.
Adoption adoptShards(const ProjectView& view, const std::string& projectPath, FileChecker& checker);

} // namespace azimuth
