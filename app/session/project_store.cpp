#include "app/session/project_store.h"

#include "core/base/atomic_file.h"
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

bool sameModel(const ModelReference& a, const ModelReference& b) {
    return a.name == b.name && a.find == b.find && a.sha256 == b.sha256 && a.precision == b.precision;
}

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
} // namespace

ProjectView withStudy(const ProjectView& view, const Study& study) {
    ProjectView out = view;
    out.study = std::make_shared<const Study>(study);
    out.title = study.title;
    out.modelIdentities.assign(study.models.size(), {});
    for (std::size_t i = 0; i < study.models.size(); ++i)
        for (std::size_t j = 0; j < view.study->models.size() && j < view.modelIdentities.size(); ++j)
            if (sameModel(study.models[i], view.study->models[j]))
                out.modelIdentities[i] = view.modelIdentities[j];
    return out;
}

ProjectStore::ProjectStore(std::string path, ProjectView view)
    : m_path(std::move(path)), m_view(std::make_shared<const ProjectView>(std::move(view))), m_saved(m_view) {
}

ProjectStore ProjectStore::create(const std::string& path, const Study& study) {
    auto lock = std::make_shared<ProjectLock>(path);
    ProjectStore store(path, createProject(path, study));
    store.m_lock = std::move(lock);
    return store;
}

ProjectStore ProjectStore::open(const std::string& path, std::shared_ptr<ProjectLock> held) {
    std::string readOnly;
    if (!held && fs::exists(path)) { // a name without a file gets its own error below, and no lock file
        try {
            held = std::make_shared<ProjectLock>(path);
        } catch (const Error& error) {
            readOnly = error.message();
        }
    }
    ProjectStore store(path, openProject(path));
    store.m_lock = std::move(held);
    store.m_readOnly = std::move(readOnly);
    auto adoption = adoptShards(*store.m_view, path);
    for (const auto& problem : adoption.problems)
        store.m_notes.push_back(problem.path + " could not be read and was left alone: " + problem.text);
    if (!adoption.adopted.empty()) {
        store.m_merged = adoption.adopted;
        if (!adoption.merged.nothing()) {
            store.m_notes.push_back(std::to_string(adoption.merged.completions) + " completions and " +
                                    std::to_string(adoption.merged.banks) +
                                    " banks that were not saved last time have been taken from shards.");
            store.judge(adoption.view);
            store.publish(std::move(adoption.view));
        }
    }
    store.loadTensors();
    store.readRecordedJobs();
    return store;
}

// Planning and calibrating need every direction; openProject leaves large ones in the file.
void ProjectStore::loadTensors() {
    auto view = *m_view;
    bool changed = false;
    for (auto& bank : view.banks) {
        if (!bank->tensor.empty())
            continue;
        auto whole = *bank;
        whole.tensor = readBankTensor(m_path, bank->key);
        bank = std::make_shared<const DirectionBank>(std::move(whole));
        changed = true;
    }
    if (!changed)
        return;
    const bool wasSaved = !modified();
    publish(std::move(view));
    if (wasSaved)
        m_saved = m_view;
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
    for (const auto& one : earlierGenerations(m_path, m_view->uuid)) {
        if (one.block.generation != generation)
            continue;
        auto view = openProject(one.path);
        for (auto& bank : view.banks)
            if (bank->tensor.empty()) {
                auto whole = *bank;
                whole.tensor = readBankTensor(one.path, bank->key);
                bank = std::make_shared<const DirectionBank>(std::move(whole));
            }
        return view;
    }
    throw missingGeneration(m_path, generation);
}

std::vector<GenerationSummary> ProjectStore::generations() const {
    std::vector<GenerationSummary> list;
    for (const auto& one : earlierGenerations(m_path, m_view->uuid)) {
        GenerationSummary summary{one.block.generation, one.block.saved, one.block.fileBytes, 0, 0, 0, 0, {}};
        try {
            const auto view = openProject(one.path);
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

View ProjectStore::restore(std::uint64_t generation) {
    requireWritable();
    auto view = earlier(generation);
    view.provenance = m_view->provenance; // what happened stays told
    view.provenance.push_back(
        {utcNow(), "user", "restore", "generation " + std::to_string(generation), "{}"});
    view.generation = m_view->generation;
    view.saved = m_view->saved;
    return publish(std::move(view));
}

ProjectStore ProjectStore::openEarlier(const std::string& path, std::uint64_t generation) {
    auto lock = std::make_shared<ProjectLock>(path);
    const auto kept = earlierGenerations(path);
    const auto wanted = std::find_if(kept.begin(), kept.end(), [&](const EarlierGeneration& one) {
        return one.block.generation == generation;
    });
    if (wanted == kept.end())
        throw missingGeneration(path, generation);
    ProjectStore store(path, openProject(wanted->path)); // before anything is moved
    store.m_lock = std::move(lock);
    auto view = store.earlier(generation);
    view.provenance.push_back(
        {utcNow(), "user", "restore", "generation " + std::to_string(generation), "{}"});
    view.generation = kept.front().block.generation + 1; // the number of the damaged one, which is not reused
    if (fs::exists(fs::symlink_status(path)))
        store.m_notes.push_back("The file that could not be opened is kept as " + setAside(path) + ".");
    store.publish(saveProject(path, view));
    store.m_saved = store.m_view;
    store.m_notes.push_back("Generation " + std::to_string(generation) + " is the project again.");
    store.readRecordedJobs();
    return store;
}

bool ProjectStore::newerOnDisk() const {
    try {
        const auto block = readUserBlock(m_path);
        return block.project == m_view->uuid && block.generation > m_view->generation;
    } catch (const Error&) { // away, or being moved: nothing newer to show
        return false;
    }
}

bool ProjectStore::tryLock() {
    if (m_readOnly.empty())
        return true;
    try {
        auto lock = std::make_shared<ProjectLock>(m_path);
        if (newerOnDisk())
            return false;
        m_lock = std::move(lock);
        m_readOnly.clear();
        return true;
    } catch (const Error&) { // as before
        return false;
    }
}

void ProjectStore::requireWritable() const {
    if (!m_readOnly.empty())
        throw Error("project.readonly", m_readOnly, "Save a copy under another name to change it.");
    if (m_lock && !m_lock->held())
        throw Error("project.locklost",
                    "The lock of " + m_path + " was removed or taken over by another process.",
                    "Save this project under another name, then open both.");
}

View ProjectStore::publish(ProjectView view) {
    m_view = std::make_shared<const ProjectView>(std::move(view));
    return m_view;
}

View ProjectStore::setStudy(const Study& study) {
    if (toJson(study) == toJson(*m_view->study))
        return m_view;
    requireWritable();
    auto view = withStudy(*m_view, study);
    view.provenance.push_back({utcNow(), "user", "set study", study.title, "{}"});
    judge(view);
    return publish(std::move(view));
}

View ProjectStore::adoptView(ProjectView view) { return publish(std::move(view)); }

Plan ProjectStore::plan(const FailedJobs& failed) const { return azimuth::plan(*m_view, m_recorded, failed); }

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
    const auto digest = toHex(sha256File(draft));
    fs::rename(draft, folder + "/" + digest + ".safetensors");
    syncFolder(folder);
    m_blobs[direction.digest] = digest;
    return digest;
}

JobSpec ProjectStore::prepare(const PlannedJob& job) {
    requireWritable();
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

void ProjectStore::judge(ProjectView& view) const {
    for (auto& label : labelMissing(view, unixSeconds()))
        view.labels.push_back(std::make_shared<const Label>(std::move(label)));
}

View ProjectStore::mergeShard(const std::string& path, const std::string& sha256) {
    auto view = merge(*m_view, readShard(path, sha256));
    judge(view);
    m_merged.push_back(path);
    return publish(std::move(view));
}

View ProjectStore::recordFailure(const JobRecord& job) {
    auto view = *m_view;
    view.jobs.push_back(job);
    return publish(std::move(view));
}

View ProjectStore::calibrate(const std::vector<CalibrationDue>& due) {
    auto view = *m_view;
    for (const auto& one : due) {
        const auto* model = view.modelByIdentity(one.modelIdentity);
        const auto* conceptValue = view.study->concept_(one.conceptName);
        if (!model || !conceptValue)
            continue;
        auto choice = azimuth::calibrate(view, *view.study, *conceptValue, *model, utcNow());
        view.provenance.push_back(
            {utcNow(), "azimuth", "calibrate", one.modelName + ", " + one.conceptName,
             canonicalJson({{"calibration", choice.id}, {"inputs", choice.inputDigest}})});
        view.calibrations.push_back(std::make_shared<const Calibration>(std::move(choice)));
    }
    return publish(std::move(view));
}

ProjectView ProjectStore::snapshot() const {
    auto view = *m_view;
    view.transfer.clear();
    for (const auto& conceptValue : view.study->concepts) {
        const auto matrix = transferMatrix(view, *view.study, conceptValue);
        view.transfer.insert(view.transfer.end(), matrix.cells.begin(), matrix.cells.end());
    }
    return view;
}

View ProjectStore::save() {
    requireWritable();
    publish(saveProject(m_path, snapshot()));
    m_saved = m_view;
    removeShards(m_merged);
    m_merged.clear();
    return m_view;
}

View ProjectStore::saveAs(const std::string& path) {
    if (fs::exists(path) && fs::exists(m_path) && fs::equivalent(path, m_path))
        return save();
    auto lock = std::make_shared<ProjectLock>(path);
    auto view = saveProjectAs(path, snapshot(), m_path);
    const auto from = sideFolder(m_path), to = sideFolder(path);
    for (const auto& [source, target] : {std::pair(from.jobs, to.jobs), std::pair(from.blobs, to.blobs)}) {
        if (!fs::exists(source))
            continue;
        ensureFolder(target);
        fs::copy(source, target, fs::copy_options::overwrite_existing | fs::copy_options::recursive);
    }
    m_path = path;
    m_lock = std::move(lock);
    m_readOnly.clear();
    m_merged.clear(); // they belong to the project that was left
    publish(std::move(view));
    m_saved = m_view;
    return m_view;
}

} // namespace azimuth
