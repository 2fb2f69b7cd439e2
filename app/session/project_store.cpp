#include "app/session/project_store.h"

#include "core/base/atomic_file.h"
#include "core/base/time.h"
#include "core/container/safetensors.h"
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
    return ProjectStore(path, createProject(path, study));
}

ProjectStore ProjectStore::open(const std::string& path) {
    ProjectStore store(path, openProject(path));
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

View ProjectStore::publish(ProjectView view) {
    m_view = std::make_shared<const ProjectView>(std::move(view));
    return m_view;
}

View ProjectStore::setStudy(const Study& study) {
    if (toJson(study) == toJson(*m_view->study))
        return m_view;
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
    JobSpec spec = job.spec;
    const auto side = sideFolder(m_path);
    ensureFolder(side.shards);
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
    publish(saveProject(m_path, snapshot()));
    m_saved = m_view;
    removeShards(m_merged);
    m_merged.clear();
    return m_view;
}

View ProjectStore::saveAs(const std::string& path) {
    if (fs::exists(path) && fs::exists(m_path) && fs::equivalent(path, m_path))
        return save();
    auto view = saveProjectAs(path, snapshot(), m_path);
    const auto from = sideFolder(m_path), to = sideFolder(path);
    for (const auto& [source, target] : {std::pair(from.jobs, to.jobs), std::pair(from.blobs, to.blobs)}) {
        if (!fs::exists(source))
            continue;
        ensureFolder(target);
        fs::copy(source, target, fs::copy_options::overwrite_existing | fs::copy_options::recursive);
    }
    m_path = path;
    m_merged.clear(); // they belong to the project that was left
    publish(std::move(view));
    m_saved = m_view;
    return m_view;
}

} // namespace azimuth
