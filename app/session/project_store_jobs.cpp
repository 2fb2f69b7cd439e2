// The store's jobs: what is planned, prepared and recorded, and the results that come back in shards.
#include "app/session/project_store.h"

#include "core/base/atomic_file.h"
#include "core/base/time.h"
#include "core/container/safetensors.h"
#include "core/project/project.h"
#include "core/project/shard.h"
#include "core/results/calibrate.h"
#include "core/results/rates.h"

#include <algorithm>
#include <filesystem>

namespace azimuth {

namespace {
namespace fs = std::filesystem;

std::vector<std::string> jobFiles(const std::string& folder) {
    std::vector<std::string> files;
    for (const auto& entry : entriesOf(folder))
        if (entry.path().extension() == ".json" && entry.path().filename().string().front() != '.')
            files.push_back(entry.path().string());
    return files;
}

void judge(ProjectView& view) {
    for (auto& label : labelMissing(view, unixSeconds()))
        view.labels.push_back(std::make_shared<const Label>(std::move(label)));
}
} // namespace

void ProjectStore::orNote(const std::function<void()>& read) {
    try {
        read();
    } catch (const Error& error) {
        if (readOnly().empty() || error.code() == "cancelled")
            throw;
        m_notes.push_back("Something beside the project is not shown: " + error.message());
    }
}

// What a crash left: shards that no save has reached, and edits of the log.
void ProjectStore::adoptWhatIsThere(const Replaced& replaced) {
    if (readOnly().empty()) {
        auto now = keepReplaced(m_path);
        now.kept.insert(now.kept.end(), replaced.kept.begin(), replaced.kept.end());
        now.left.insert(now.left.end(), replaced.left.begin(), replaced.left.end());
        for (const auto& place : now.kept)
            m_notes.push_back(
                "A file that another program put in the place of this one while it was saved is kept as " +
                place + ". Open it to see what it holds.");
        removeLeftovers(m_path, now.left);
    }
    orNote([&] { adoptResults(); });
    for (auto& note : m_head->replay(readOnly().empty()))
        m_notes.push_back(std::move(note));
}

void ProjectStore::adoptResults() {
    auto adoption = adoptShards(*view(), m_path, *m_checker);
    for (const auto& problem : adoption.problems)
        m_notes.push_back(problem.path + " could not be read and was left alone: " + problem.text);
    m_merged = std::move(adoption.adopted);
    if (adoption.merged.nothing())
        return;
    m_notes.push_back(std::to_string(adoption.merged.completions) + " completions and " +
                      std::to_string(adoption.merged.banks) +
                      " banks that were not saved last time have been taken from shards.");
    try {
        judge(adoption.view);
    } catch (const Error& error) {
        m_notes.push_back("They are not judged yet, for a text cannot be read: " + error.message() +
                          " Run the study to judge them.");
    }
    m_head->update([&](ProjectView& view) { view = std::move(adoption.view); });
}

void ProjectStore::readRecordedJobs() {
    std::vector<std::string> paths;
    orNote([&] { paths = jobFiles(sideFolder(m_path).jobs); });
    for (const auto& path : paths) {
        try {
            m_recorded.push_back(std::make_shared<const JobSpec>(readJobSpec(readJsonFile(path), path)));
        } catch (const Error& error) {
            m_notes.push_back("A recorded job could not be read and was left alone: " + error.message());
        }
    }
}

Plan ProjectStore::plan(const FailedJobs& failed) const { return azimuth::plan(*view(), m_recorded, failed); }

std::string ProjectStore::blobFolder() const { return sideFolder(m_path).blobs; }

std::string ProjectStore::newShardPath(const std::string& jobId) const {
    return sideFolder(m_path).shards + "/" + jobId + ".h5";
}

std::string ProjectStore::writeBlob(const Direction& direction) {
    const auto folder = blobFolder();
    std::error_code unknown;
    if (const auto known = m_blobs.find(direction.digest);
        known != m_blobs.end() && fs::exists(folder + "/" + known->second + ".safetensors", unknown))
        return known->second;
    ensureFolder(folder);
    return m_blobs[direction.digest] = writeDirectionBlob(folder, direction.unit);
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
    // Both read texts, which may fail: a shard whose results are not in the view stays where the next opening
    // looks.
    auto now = m_head->rebuild([&](const ProjectView& view) {
        auto merged = merge(view, result);
        judge(merged);
        return merged;
    });
    m_merged.push_back(path);
    return now;
}

View ProjectStore::judgeMissing() {
    if (labelMissing(*view(), unixSeconds()).empty())
        return view();
    return m_head->rebuild([](const ProjectView& view) {
        auto judged = view;
        judge(judged);
        return judged;
    });
}

View ProjectStore::recordJob(const JobRecord& job) {
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

} // namespace azimuth
