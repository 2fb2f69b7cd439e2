#include "core/project/project.h"

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/project/carry_over.h"
#include "core/project/content_reader.h"
#include "core/project/content_writer.h"
#include "core/project/generations.h"
#include "core/project/shard.h"
#include "core/project/stored_completions.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>

namespace azimuth {
namespace {

constexpr std::uint64_t eagerTensorBytes = std::uint64_t{64} << 20;

bool fileExists(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
}

// The project at `path`, opened when it is first asked for. Its digest is verified: what is copied from it
// gets a new one.
h5::Earlier earlierAt(const std::string& path) {
    struct State {
        bool tried = false;
        std::unique_ptr<h5::ReadFile> file;
    };
    auto state = std::make_shared<State>();
    return [state, path]() -> const h5::ReadFile* {
        if (!std::exchange(state->tried, true) && fileExists(path))
            state->file = std::make_unique<h5::ReadFile>(path, FileKind::Project);
        return state->file.get();
    };
}

// What of a newer base could not be kept, as the project remembers it.
std::vector<ProvenanceRecord> provenanceOf(const std::vector<h5::Dropped>& dropped, const UserBlock& base,
                                           const std::string& now) {
    std::vector<ProvenanceRecord> records;
    for (const auto& one : dropped)
        records.push_back({now, h5::creatorName(), droppedAction, one.place,
                           canonicalJson({{"reason", one.reason},
                                          {"generation", std::to_string(base.generation)},
                                          {"format", base.formatVersion},
                                          {"creator", base.creator}})});
    return records;
}

// The texts are read from the file from now on, which has just been written; they stay where they are if that
// cannot be.
void keepOnDisk(const std::string& path, const std::string& digest, ProjectView& view) {
    try {
        const h5::ReadFile file(path, FileKind::Project, h5::Trust::HeaderOnly);
        if (toHex(file.block().digest) == digest)
            view.completions = std::make_shared<const CompletionTable>(h5::storedIn(file, *view.completions));
    } catch (const Error&) {
    }
}

// base: the user block of the file that `earlier` opens, where there is one. What it has and this program
// does not know goes along, and a newer format stays. Adds to view.provenance what could not go along.
void publishProject(const std::string& path, ProjectView& view, const std::string& parentSha256,
                    const h5::Earlier& earlier, const std::optional<UserBlock>& base,
                    const std::function<void()>& fence, double now, const Publishing& publishing = {}) {
    const auto side = sideFolder(path);
    ensureFolder(side.temporary);
    h5::H5Publication::Options options;
    options.block.kind = FileKind::Project;
    options.block.file = view.fileUuid = newUuid();
    if (publishing.fileUuid)
        *publishing.fileUuid = view.fileUuid;
    options.block.project = view.uuid;
    options.block.generation = view.generation;
    options.block.logSequence = view.logSequence;
    options.block.creator = h5::creatorName();
    options.block.saved = now;
    if (base && base->formatVersion > formatVersion) {
        options.block.formatVersion = base->formatVersion;
        options.block.minimumReader = std::max(base->minimumReader, minimumReaderVersion);
    }
    options.temporaryFolder = side.temporary;
    options.expectedBytes = h5::estimatedBytes(view);
    options.fence = [&] {
        fence();
        if (publishing.stillAllowed)
            publishing.stillAllowed();
    };
    h5::H5Publication file(path, options);
    h5::writeRootAttributes(file, FileKind::Project,
                            {view.uuid, view.title, view.created, view.saved, parentSha256, view.generation,
                             options.block.formatVersion, options.block.minimumReader});
    h5::writeProjectView(file, view, earlier);
    const auto remember = [&](const std::vector<h5::Dropped>& dropped) {
        for (auto& record : provenanceOf(dropped, *base, view.saved))
            view.provenance.push_back(std::move(record));
    };
    const auto* replaced = base ? earlier() : nullptr;
    if (replaced)
        h5::reading(*replaced, [&] { remember(h5::carryOver(file, *replaced, "/provenance")); });
    h5::writeProvenance(file, view.provenance);
    if (replaced)
        h5::reading(*replaced, [&] { remember(h5::carryOverTable(file, *replaced, "/provenance")); });
    try {
        keepOnDisk(path, file.publish(), view);
    } catch (const Error& error) {
        if (error.code() != "file.changed")
            throw;
        throw Error("project.changed", error.message(), error.remedy());
    }
}

Error changedError(const std::string& path, const std::string& finding) {
    return Error("project.changed", path + " was changed by another program: " + finding + ".",
                 "Save this project under another name, then open both.");
}

std::string savedBy(const UserBlock& block) {
    const auto creator = forMessage(block.creator, 63);
    const bool told = block.saved > 0 && block.saved < 253402300800.0; // the year 10000
    return (creator.empty() ? "an unknown program" : creator) + (told ? " at " + utcText(block.saved) : "");
}

// The file that a save replaces must be the generation that the view came from.
UserBlock checkCurrent(const std::string& path, const ProjectView& view) {
    const auto block = readUserBlock(path);
    if (block.kind != FileKind::Project || block.project != view.uuid)
        throw changedError(path, "it is another project now");
    if (block.generation != view.generation)
        throw changedError(path, "it is generation " + std::to_string(block.generation) +
                                     ", opened was generation " + std::to_string(view.generation));
    if (!view.fileUuid.empty() && block.file != view.fileUuid)
        throw changedError(path, "it is another file with generation " + std::to_string(block.generation) +
                                     " of this project, saved by " + savedBy(block));
    return block;
}

ProjectView readFrom(const h5::ReadFile& file, std::uint64_t tensorBytes) {
    auto view = h5::reading(file, [&] { return h5::readProjectView(file, tensorBytes); });
    view.fileUuid = file.block().file;
    return view;
}

} // namespace

ProjectView createProject(const std::string& path, const Study& study) {
    if (fileExists(path))
        throw Error("project.exists", path + " is there already.", "Choose another name, or open that file.");
    const double now = unixSeconds();
    ProjectView view;
    view.uuid = newUuid();
    view.title = study.title;
    view.generation = 1;
    view.created = view.saved = utcText(now);
    view.study = std::make_shared<const Study>(study);
    view.modelIdentities.resize(study.models.size());
    view.completions = std::make_shared<const CompletionTable>();
    view.provenance.push_back(
        {view.created, h5::creatorName(), "create", "project", canonicalJson({{"title", study.title}})});
    publishProject(
        path, view, {}, earlierAt(path), {},
        [&] {
            if (fileExists(path))
                throw changedError(path, "it was created meanwhile");
        },
        now);
    return view;
}

ProjectView openProject(const std::string& path) {
    const h5::ReadFile file(path, FileKind::Project);
    return readFrom(file, eagerTensorBytes);
}

ProjectView openProject(const CheckedFile& file) {
    const h5::ReadFile reader(file.source, file.block);
    auto view = readFrom(reader, std::numeric_limits<std::uint64_t>::max());
    file.source.requireUnchanged();
    return view;
}

ProjectView saveProject(const std::string& path, const ProjectView& view, const Publishing& publishing) {
    const bool there = fileExists(path); // moved away or deleted by the user: save what is in memory
    std::optional<UserBlock> base;
    if (there)
        base = checkCurrent(path, view);
    const double now = unixSeconds();
    ProjectView next = view;
    next.generation = view.generation + 1;
    next.saved = utcText(now);
    publishProject(
        path, next, base ? toHex(base->digest) : "", earlierAt(path), base,
        [&] {
            if (there)
                keepGeneration(path, checkCurrent(path, view));
            else if (fileExists(path))
                throw changedError(path, "it was created meanwhile");
        },
        now, publishing);
    pruneGenerations(path, next.uuid);
    return next;
}

ProjectView saveOverAltered(const std::string& path, const ProjectView& view, const CheckedFile& opened,
                            const Publishing& publishing) {
    const double now = unixSeconds();
    ProjectView next = view;
    next.generation = view.generation + 1;
    next.saved = utcText(now);
    const auto altered = std::make_shared<h5::ReadFile>(opened.source, opened.block);
    publishProject(
        path, next, toHex(opened.block.digest), [altered] { return altered.get(); }, opened.block,
        [&] {
            if (!fileExists(path) || identityAt(path) != opened.source.identity())
                throw changedError(path, "it is not the file any more that was opened");
            keepAside(path, "changed");
        },
        now, publishing);
    pruneGenerations(path, next.uuid);
    return next;
}

ProjectView replaceDamaged(const std::string& path, const ProjectView& view, const CheckedFile& earlier,
                           std::string* kept) {
    const double now = unixSeconds();
    ProjectView next = view;
    next.generation = view.generation + 1;
    next.saved = utcText(now);
    const auto file = std::make_shared<h5::ReadFile>(earlier.source, earlier.block);
    publishProject(
        path, next, toHex(earlier.block.digest), [file] { return file.get(); }, earlier.block,
        [&] {
            if (fileExists(path))
                *kept = keepAside(path, "damaged");
        },
        now);
    pruneGenerations(path, next.uuid);
    return next;
}

std::vector<std::string> droppedNotes(const ProjectView& before, const ProjectView& after) {
    std::vector<std::string> notes;
    for (auto i = before.provenance.size(); i < after.provenance.size(); ++i) {
        const auto& record = after.provenance[i];
        if (record.action != droppedAction)
            continue;
        const auto details = parseJson(record.details, "provenance");
        notes.push_back(record.object + ", which this program does not know, could not be kept: " +
                        details.value("reason", "") + ". Generation " + details.value("generation", "") +
                        " has it.");
    }
    return notes;
}

ProjectView saveProjectAs(const std::string& path, const ProjectView& view, const std::string& from,
                          const Publishing& publishing) {
    const double now = unixSeconds();
    ProjectView next = view;
    next.uuid = newUuid();
    next.generation = 1;
    next.saved = utcText(now);
    next.provenance.push_back(
        {next.saved, h5::creatorName(), "save as", "project",
         canonicalJson({{"from_uuid", view.uuid}, {"from_generation", std::to_string(view.generation)}})});
    auto earlier = earlierAt(from);
    std::optional<UserBlock> base;
    try {
        if (const auto* file = earlier(); file && file->block().project == view.uuid)
            base = file->block();
    } catch (const Error& error) {
        if (error.code().starts_with("file.") && fileExists(from))
            throw; // else it was damaged since it was opened: what this window has is what can be saved
    }
    if (!base) // nothing of what lies there now goes along
        earlier = [] { return nullptr; };
    publishProject(
        path, next, {}, earlier, base,
        [&] {
            if (identityIfThere(path))
                keepAside(path, "replaced");
        },
        now, publishing);
    return next;
}

ArrayF readBankTensor(const std::string& path, const std::string& bankKey) {
    const h5::ReadFile file(path, FileKind::Project, h5::Trust::HeaderOnly);
    return h5::reading(file, [&] { return h5::readTensor(file, bankKey); });
}

Adoption adoptShards(const ProjectView& view, const std::string& projectPath, FileChecker& checker) {
    Adoption adoption;
    std::vector<JobResult> results;
    for (const auto& path : shardFiles(projectPath)) {
        try {
            if (readShardHeader(path).projectUuid != view.uuid) {
                adoption.foreign.push_back(path);
                continue;
            }
            results.push_back(readShard(checker.admit(path, FileKind::Shard)));
            adoption.adopted.push_back(path);
        } catch (const Error& error) {
            if (error.code() == "cancelled")
                throw;
            adoption.problems.push_back({path, error.code(), error.what()});
        }
    }
    adoption.view = merge(view, results, &adoption.merged);
    return adoption;
}

} // namespace azimuth
