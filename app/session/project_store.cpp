#include "app/session/project_store.h"

#include "core/base/atomic_file.h"
#include "core/base/file_identity.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/project/generations.h"
#include "core/project/project.h"
#include "core/results/transfer_matrix.h"

#include <algorithm>
#include <filesystem>

namespace azimuth {

namespace {
namespace fs = std::filesystem;

// Of a folder that need not be there. Error file.*.
void copyFiles(const std::string& from, const std::string& to) {
    std::error_code failure, unknown;
    if (fs::status(from, failure).type() == fs::file_type::not_found)
        return;
    ensureFolder(to);
    failure.clear();
    for (fs::directory_iterator it(from, failure), end; !failure && it != end; it.increment(failure)) {
        const auto name = it->path().filename().string();
        if (it->is_regular_file(unknown) && name.front() != '.')
            copyFileAtomically(it->path().string(), to + "/" + name);
    }
    if (failure)
        throw systemError("read", from, failure.value());
}

Error missingGeneration(const std::string& path, std::uint64_t generation) {
    return Error("project.missing",
                 "Generation " + std::to_string(generation) + " of " + path + " is not kept any more.",
                 "Choose one of those that the list shows.");
}

// The file that a view is to follow.
void isNow(ProjectView& view, std::uint64_t generation, const std::string& fileUuid) {
    view.generation = generation;
    view.fileUuid = fileUuid;
}

ProjectView withTransfer(ProjectView view) {
    view.transfer.clear();
    for (const auto& conceptValue : view.study->concepts) {
        const auto matrix = transferMatrix(view, *view.study, conceptValue);
        view.transfer.insert(view.transfer.end(), matrix.cells.begin(), matrix.cells.end());
    }
    return view;
}
} // namespace

GenerationSummary summaryOf(const ProjectView& view) {
    GenerationSummary summary;
    summary.generation = view.generation;
    summary.completions = view.completions->size();
    summary.scores = view.scores.size();
    summary.banks = view.banks.size();
    summary.labels = view.labels.size();
    summary.notes = view.notes.size();
    summary.calibrations = view.calibrations.size();
    summary.figures = view.figures.size();
    summary.jobs = view.jobs.size();
    auto study = *view.study;
    summary.title = std::exchange(study.title, {});
    summary.study = toHex(sha256(canonicalJson(toJson(study))));
    return summary;
}

ProjectStore::ProjectStore(std::string path, ProjectView view, std::shared_ptr<ProjectLock> lock,
                           std::shared_ptr<FileChecker> checker, std::string readOnly)
    : m_path(std::move(path)),
      m_access(std::make_shared<WriteAccess>(m_path, std::move(lock), std::move(readOnly))),
      m_head(std::make_shared<ProjectHead>(m_path, std::move(view), m_access)),
      m_checker(std::move(checker)) {}

ProjectStore ProjectStore::create(const std::string& path, const Study& study) {
    auto lock = std::make_shared<ProjectLock>(path);
    return ProjectStore(path, createProject(path, study), std::move(lock), std::make_shared<FileChecker>());
}

ProjectStore ProjectStore::open(const std::string& path, std::shared_ptr<ProjectLock> held,
                                FileChecker::Options checking) {
    std::string readOnly;
    std::optional<LockOwner> farOwner;
    std::error_code none; // a name without a file gets its own error below, and no lock file
    if (!held && fs::exists(path, none)) {
        try {
            held = std::make_shared<ProjectLock>(path);
        } catch (const Error& error) {
            readOnly = error.code() == "project.locked" ? error.message() : std::string(error.what());
            farOwner = ProjectLock::farOwner(path);
        }
    }
    auto checker = std::make_shared<FileChecker>(std::move(checking));
    const auto file = checker->admit(path, FileKind::Project);
    ProjectStore store(path, openProject(file), std::move(held), checker, std::move(readOnly));
    store.m_farOwner = std::move(farOwner);
    store.noteFormat(file.block);
    store.adoptWhatIsThere();
    store.readRecordedJobs();
    return store;
}

ProjectStore ProjectStore::openAltered(const std::string& path, std::shared_ptr<ProjectLock> held,
                                       FileChecker::Options checking) {
    auto lock = held ? std::move(held) : std::make_shared<ProjectLock>(path);
    auto checker = std::make_shared<FileChecker>(std::move(checking));
    const auto file = std::make_shared<const CheckedFile>(checker->admitAltered(path));
    ProjectStore store(path, openProject(*file), std::move(lock), checker);
    store.noteFormat(file->block);
    store.adoptWhatIsThere();
    store.readRecordedJobs();
    if (!file->altered)
        return store;
    store.m_altered = file;
    store.m_head->update([&](ProjectView& view) {
        view.provenance.push_back({utcNow(), "user", "adopt changes of another program",
                                   "generation " + std::to_string(view.generation),
                                   canonicalJson({{"written_sha256", toHex(file->block.digest)},
                                                  {"found_sha256", toHex(file->found)}})});
    });
    return store;
}

ProjectStore ProjectStore::look(const std::string& path, FileChecker::Options checking) {
    auto checker = std::make_shared<FileChecker>(std::move(checking));
    const auto file = checker->admit(path, FileKind::Project);
    ProjectStore store(path, openProject(file), {}, checker, path + " is only looked at.");
    store.noteFormat(file.block);
    store.adoptWhatIsThere();
    return store;
}

void ProjectStore::succeed(const ProjectStore& other) {
    if (other.view()->uuid != view()->uuid)
        return;
    other.m_head->setRetired(true);
    try {
        for (auto& note : m_head->replay(readOnly().empty()))
            if (std::ranges::find(m_notes, note) == m_notes.end()) // else the opening said it
                m_notes.push_back(std::move(note));
    } catch (...) { // the other one goes on
        other.m_head->setRetired(false);
        throw;
    }
}

void ProjectStore::noteFormat(const UserBlock& block) {
    if (block.formatVersion > formatVersion)
        m_notes.push_back(m_path + " was written by " + forMessage(block.creator, 63) + " in format " +
                          std::to_string(block.formatVersion) + "; this program knows format " +
                          std::to_string(formatVersion) + " and keeps what else is in it.");
}

ProjectView ProjectStore::earlier(std::uint64_t generation) const {
    for (const auto& one : earlierGenerations(m_path, view()->uuid))
        if (one.block.generation == generation)
            return openProject(m_checker->admit(one.path, FileKind::Project));
    throw missingGeneration(m_path, generation);
}

std::vector<GenerationSummary> ProjectStore::generations() const {
    std::vector<GenerationSummary> list;
    for (const auto& one : earlierGenerations(m_path, view()->uuid)) {
        GenerationSummary summary;
        try {
            summary = summaryOf(openProject(m_checker->admit(one.path, FileKind::Project)));
        } catch (const Error& error) {
            summary.problem = error.message();
        }
        summary.generation = one.block.generation;
        summary.saved = one.block.saved;
        summary.bytes = one.block.fileBytes;
        list.push_back(std::move(summary));
    }
    return list;
}

// In one step for the edits, which wait: what is left becomes a generation with everything that the log
// holds.
View ProjectStore::restore(std::uint64_t generation) {
    m_access->require();
    auto restored = earlier(generation);
    std::uint64_t holder = 0; // of the shards merged until now
    const auto view = m_head->saveAs(m_path, [&](const ProjectView& shown) {
        auto left = shown;
        if (modified()) {
            left = write(withTransfer(shown));
            m_head->update([&](ProjectView& now) { isNow(now, left.generation, left.fileUuid); });
        }
        restored.provenance = left.provenance; // what happened stays told
        restored.provenance.push_back(
            {utcNow(), "user", "restore", "generation " + std::to_string(generation), "{}"});
        isNow(restored, left.generation, left.fileUuid);
        holder = left.generation;
        restored.logSequence = left.logSequence; // its edits are not made again
        return write(restored);
    });
    keepMerged(holder);
    return view;
}

ProjectStore ProjectStore::openEarlier(const std::string& path, const std::string& wantedFile,
                                       std::shared_ptr<ProjectLock> held, FileChecker::Options checking) {
    auto lock = held ? std::move(held) : std::make_shared<ProjectLock>(path);
    std::vector<std::string> unreadable;
    const auto kept = earlierGenerations(path, {}, &unreadable);
    const auto wanted = std::find_if(
        kept.begin(), kept.end(), [&](const EarlierGeneration& one) { return one.block.file == wantedFile; });
    if (wanted == kept.end())
        throw Error("project.missing", "That generation of " + path + " is not kept any more.",
                    "Choose one of those that the list shows.");
    const auto generation = wanted->block.generation;
    auto checker = std::make_shared<FileChecker>(std::move(checking));
    const auto file = checker->admit(wanted->path, FileKind::Project);
    auto view = openProject(file);
    view.provenance.push_back(
        {utcNow(), "user", "restore", "generation " + std::to_string(generation), "{}"});
    for (const auto& one : kept)
        if (one.block.project == view.uuid)
            view.generation = std::max(view.generation, one.block.generation);
    view.generation += 1 + unreadable.size(); // the number of the damaged one is not reused
    returnShards(path, view.uuid, generation);
    const auto replaced = keepReplaced(path);
    std::string aside;
    ProjectStore store(path, replaceDamaged(path, view, file, &aside), std::move(lock), checker);
    if (!aside.empty())
        store.m_notes.push_back("The file that could not be opened is kept as " + aside + ".");
    store.m_notes.push_back("Generation " + std::to_string(generation) + " is the project again.");
    store.noteFormat(file.block);
    store.adoptWhatIsThere(replaced);
    store.readRecordedJobs();
    return store;
}

bool ProjectStore::newerOnDisk() const {
    try {
        const auto block = readUserBlock(m_path);
        const auto shown = view();
        return block.project == shown->uuid && block.generation >= shown->generation &&
               block.file != shown->fileUuid;
    } catch (const Error&) { // away, or being moved: nothing newer to show
        return false;
    }
}

std::shared_ptr<ProjectLock> ProjectStore::freeLock() const {
    if (readOnly().empty())
        return nullptr;
    try {
        return std::make_shared<ProjectLock>(m_path);
    } catch (const Error&) { // somebody has it still, or the folder cannot be written
        return nullptr;
    }
}

View ProjectStore::setStudy(const Study& study) {
    if (const auto change = studyChange(*view()->study, study))
        m_head->edit({"change the study", "user", unixSeconds(), *change});
    return view();
}

// A save may fail behind the rename, when only the fsync of the folder is left: then the file is ours, and
// the next save follows it.
ProjectView ProjectStore::write(const ProjectView& view) {
    std::string fileUuid;
    try {
        const Publishing publishing{&fileUuid, [this] { m_access->require(); }};
        auto written = m_altered ? saveOverAltered(m_path, view, *m_altered, publishing)
                                 : saveProject(m_path, view, publishing);
        m_altered.reset();
        return written;
    } catch (const Error&) {
        try {
            const auto block = readUserBlock(m_path);
            if (block.file == fileUuid) {
                m_altered.reset();
                m_head->update([&](ProjectView& shown) { isNow(shown, block.generation, block.file); });
            }
        } catch (const Error&) { // what cannot be read is not known to be ours
        }
        throw;
    }
}

void ProjectStore::keepMerged(std::uint64_t generation) {
    keepShards(m_path, view()->uuid, generation, m_merged);
    m_merged.clear();
}

View ProjectStore::save() {
    m_access->require();
    const auto saved = m_head->save([&](const ProjectView& view) { return write(withTransfer(view)); });
    keepMerged(saved->generation);
    return saved;
}

View ProjectStore::saveAs(const std::string& path) {
    if (const auto there = identityIfThere(path); there && there == identityIfThere(m_path))
        return save();
    auto lock = std::make_shared<ProjectLock>(path);
    const auto saved = m_head->saveAs(path, [&](const ProjectView& view) {
        const auto from = sideFolder(m_path), to = sideFolder(path);
        copyFiles(from.jobs, to.jobs);
        copyFiles(from.blobs, to.blobs);
        auto written = saveProjectAs(path, withTransfer(view), m_altered ? std::string() : m_path,
                                     {nullptr, [&] { requireHeld(*lock, path); }});
        m_access->take(path, lock);
        return written;
    });
    m_path = path;
    m_altered.reset();
    m_farOwner.reset();
    m_merged.clear(); // they belong to the project that was left
    return saved;
}

} // namespace azimuth
