#include "app/session/project_store.h"

#include "core/base/atomic_file.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/container/safetensors.h"
#include "core/project/generations.h"
#include "core/project/project.h"
#include "core/project/shard.h"
#include "core/results/calibrate.h"
#include "core/results/rates.h"
#include "core/results/transfer_matrix.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace azimuth {

namespace {
namespace fs = std::filesystem;

std::vector<std::string> jobFiles(const std::string& folder) {
    std::vector<std::string> files;
    std::error_code failure;
    for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure))
        if (it->path().extension() == ".json" && it->path().filename().string().front() != '.')
            files.push_back(it->path().string());
    std::sort(files.begin(), files.end());
    return files;
}

Error missingGeneration(const std::string& path, std::uint64_t generation) {
    return Error("project.missing",
                 "Generation " + std::to_string(generation) + " of " + path + " is not kept any more.",
                 "Choose one of those that the list shows.");
}

void judge(ProjectView& view) {
    for (auto& label : labelMissing(view, unixSeconds()))
        view.labels.push_back(std::make_shared<const Label>(std::move(label)));
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
    other.m_head->retire();
    m_head->replay(readOnly().empty());
}

void ProjectStore::noteFormat(const UserBlock& block) {
    if (block.formatVersion > formatVersion)
        m_notes.push_back(m_path + " was written by " + forMessage(block.creator, 63) + " in format " +
                          std::to_string(block.formatVersion) + "; this program knows format " +
                          std::to_string(formatVersion) + " and keeps what else is in it.");
}

// What a crash left: shards that no save has reached, and edits of the log.
void ProjectStore::adoptWhatIsThere() {
    if (readOnly().empty())
        emptyTemporary(m_path);
    auto adoption = adoptShards(*view(), m_path, *m_checker);
    for (const auto& problem : adoption.problems)
        m_notes.push_back(problem.path + " could not be read and was left alone: " + problem.text);
    m_merged = std::move(adoption.adopted);
    if (!adoption.merged.nothing()) {
        m_notes.push_back(std::to_string(adoption.merged.completions) + " completions and " +
                          std::to_string(adoption.merged.banks) +
                          " banks that were not saved last time have been taken from shards.");
        m_head->update([&](ProjectView& view) {
            view = std::move(adoption.view);
            judge(view);
        });
    }
    for (auto& note : m_head->replay(readOnly().empty()))
        m_notes.push_back(std::move(note));
}

void ProjectStore::readRecordedJobs() {
    for (const auto& path : jobFiles(sideFolder(m_path).jobs)) {
        try {
            m_recorded.push_back(std::make_shared<const JobSpec>(readJobSpec(readJsonFile(path), path)));
        } catch (const Error& error) {
            m_notes.push_back("A recorded job could not be read and was left alone: " + error.message());
        }
    }
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
        GenerationSummary summary{one.block.generation, one.block.saved, one.block.fileBytes, 0, 0, 0, 0, {}};
        try {
            const auto view = openProject(m_checker->admit(one.path, FileKind::Project));
            summary.completions = view.completions->size();
            summary.banks = view.banks.size();
            summary.labels = view.labels.size();
            summary.jobs = view.jobs.size();
        } catch (const Error& error) {
            summary.problem = error.message();
        }
        list.push_back(std::move(summary));
    }
    return list;
}

// In one step for the edits, which wait: what is left becomes a generation with everything that the log
// holds.
View ProjectStore::restore(std::uint64_t generation) {
    m_access->require();
    auto restored = earlier(generation);
    const auto view = m_head->saveAs(m_path, [&](const ProjectView& shown) {
        auto left = shown;
        if (modified()) {
            left = write(withTransfer(shown));
            m_head->update([&](ProjectView& now) { now.generation = left.generation; });
        }
        restored.provenance = left.provenance; // what happened stays told
        restored.provenance.push_back(
            {utcNow(), "user", "restore", "generation " + std::to_string(generation), "{}"});
        restored.generation = left.generation;
        restored.logSequence = left.logSequence; // its edits are not made again
        return write(restored);
    });
    removeShards(m_merged);
    m_merged.clear();
    return view;
}

ProjectStore ProjectStore::openEarlier(const std::string& path, std::uint64_t generation,
                                       FileChecker::Options checking) {
    auto lock = std::make_shared<ProjectLock>(path);
    const auto kept = earlierGenerations(path);
    const auto wanted = std::find_if(kept.begin(), kept.end(), [&](const EarlierGeneration& one) {
        return one.block.generation == generation;
    });
    if (wanted == kept.end())
        throw missingGeneration(path, generation);
    auto checker = std::make_shared<FileChecker>(std::move(checking));
    const auto file = checker->admit(wanted->path, FileKind::Project);
    auto view = openProject(file);
    view.provenance.push_back(
        {utcNow(), "user", "restore", "generation " + std::to_string(generation), "{}"});
    view.generation = kept.front().block.generation + 1; // the number of the damaged one, which is not reused
    std::string aside;
    ProjectStore store(path, replaceDamaged(path, view, file, &aside), std::move(lock), checker);
    if (!aside.empty())
        store.m_notes.push_back("The file that could not be opened is kept as " + aside + ".");
    store.m_notes.push_back("Generation " + std::to_string(generation) + " is the project again.");
    store.noteFormat(file.block);
    store.adoptWhatIsThere();
    store.readRecordedJobs();
    return store;
}

bool ProjectStore::newerOnDisk() const {
    try {
        const auto block = readUserBlock(m_path);
        const auto shown = view();
        return block.project == shown->uuid && block.generation > shown->generation;
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

Plan ProjectStore::plan(const FailedJobs& failed) const { return azimuth::plan(*view(), m_recorded, failed); }

std::string ProjectStore::blobFolder() const { return sideFolder(m_path).blobs; }

std::string ProjectStore::newShardPath(const std::string& jobId) const {
    return sideFolder(m_path).shards + "/" + jobId + ".h5";
}

// The file is named by its own digest, so it is written under a draft name first.
std::string ProjectStore::writeBlob(const Direction& direction) {
    const auto folder = blobFolder();
    if (const auto known = m_blobs.find(direction.digest);
        known != m_blobs.end() && fs::exists(folder + "/" + known->second + ".safetensors"))
        return known->second;
    ensureFolder(folder);
    const auto draft = folder + "/.draft-" + direction.digest;
    SafetensorsWriter writer(draft,
                             {{"direction", DType::F32, {static_cast<std::int64_t>(direction.unit.size())}}});
    writer.append("direction", std::span<const float>(direction.unit));
    writer.finish();
    std::string digest;
    std::error_code failure;
    try {
        digest = toHex(sha256File(draft));
        fs::rename(draft, folder + "/" + digest + ".safetensors", failure);
        if (failure)
            throw systemError("rename", draft, failure.value());
    } catch (const Error&) {
        fs::remove(draft, failure);
        throw;
    }
    syncFolder(folder);
    m_blobs[direction.digest] = digest;
    return digest;
}

JobSpec ProjectStore::prepare(const PlannedJob& job) {
    m_access->require();
    JobSpec spec = job.spec;
    const auto side = sideFolder(m_path);
    ensureFolder(side.shards);
    if (auto* score = std::get_if<ScoreJob>(&spec.payload))
        for (const auto& direction : job.directions)
            score->blobs[direction.digest] = writeBlob(direction);
    if (auto* generate = std::get_if<GenerateJob>(&spec.payload)) {
        for (const auto& direction : job.directions)
            generate->blobs[direction.digest] = writeBlob(direction);
        const bool recorded = std::any_of(m_recorded.begin(), m_recorded.end(),
                                          [&](const auto& other) { return other->id == spec.id; });
        if (!recorded) {
            ensureFolder(side.jobs);
            writeFileAtomically(side.jobs + "/" + spec.id + ".json", prettyJson(toJson(spec)));
            m_recorded.push_back(std::make_shared<const JobSpec>(spec));
        }
    }
    return spec;
}

void ProjectStore::record(const Plan& plan) {
    for (const auto& job : plan.jobs)
        if (!job.recorded && std::holds_alternative<GenerateJob>(job.spec.payload))
            prepare(job);
}

View ProjectStore::mergeShard(const std::string& path, const std::string& sha256) {
    const auto result = readShard(path, sha256);
    m_head->edit({result.job.kind, "azimuth", unixSeconds(),
                  AttachShard{result.job.id, fs::path(path).filename().string(), sha256}});
    m_merged.push_back(path);
    return m_head->update([&](ProjectView& view) {
        view = merge(view, result);
        judge(view);
    });
}

View ProjectStore::recordFailure(const JobRecord& job) {
    m_head->edit({job.kind + " " + toString(job.state), "azimuth", unixSeconds(), RecordJob{job}});
    return view();
}

View ProjectStore::calibrate(const std::vector<CalibrationDue>& due) {
    for (const auto& one : due) {
        const auto now = view();
        const auto* model = now->modelByIdentity(one.modelIdentity);
        const auto* conceptValue = now->study->concept_(one.conceptName);
        if (model && conceptValue)
            m_head->edit(
                {one.modelName + ", " + one.conceptName, "azimuth", unixSeconds(),
                 RecordCalibration{azimuth::calibrate(*now, *now->study, *conceptValue, *model, utcNow())}});
    }
    return view();
}

// A save may fail behind the rename, when only the fsync of the folder is left: then the file is ours, and
// the next save follows it.
ProjectView ProjectStore::write(const ProjectView& view) {
    std::string fileUuid;
    try {
        auto written = m_altered ? saveOverAltered(m_path, view, *m_altered, &fileUuid)
                                 : saveProject(m_path, view, &fileUuid);
        m_altered.reset();
        return written;
    } catch (const Error&) {
        try {
            const auto block = readUserBlock(m_path);
            if (block.file == fileUuid) {
                m_altered.reset();
                m_head->update([&](ProjectView& shown) { shown.generation = block.generation; });
            }
        } catch (const Error&) { // what cannot be read is not known to be ours
        }
        throw;
    }
}

View ProjectStore::save() {
    m_access->require();
    const auto saved = m_head->save([&](const ProjectView& view) { return write(withTransfer(view)); });
    removeShards(m_merged);
    m_merged.clear();
    return saved;
}

View ProjectStore::saveAs(const std::string& path) {
    if (fs::exists(path) && fs::exists(m_path) && fs::equivalent(path, m_path))
        return save();
    auto lock = std::make_shared<ProjectLock>(path);
    const auto saved = m_head->saveAs(path, [&](const ProjectView& view) {
        const auto from = sideFolder(m_path), to = sideFolder(path);
        for (const auto& [source, target] :
             {std::pair(from.jobs, to.jobs), std::pair(from.blobs, to.blobs)}) {
            if (!fs::exists(source))
                continue;
            ensureFolder(target);
            for (const auto& file : fs::directory_iterator(source))
                if (file.is_regular_file() && file.path().filename().string().front() != '.')
                    copyFileAtomically(file.path().string(), target + "/" + file.path().filename().string());
        }
        auto written = saveProjectAs(path, withTransfer(view), m_altered ? std::string() : m_path);
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
