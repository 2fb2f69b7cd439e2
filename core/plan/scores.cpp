#include "core/plan/scores.h"

#include "core/plan/batches.h"
#include "core/plan/estimate.h"
#include "core/plan/wanted.h"
#include "core/results/sweep.h"
#include "core/results/transfer_plan.h"

#include <algorithm>
#include <set>

namespace azimuth {

namespace {
std::vector<Arm> armsOf(const ProjectView& view, const Model& model, const Concept& conceptValue) {
    std::vector<Arm> arms{controlArm()};
    for (auto& run : transferRuns(view, *view.study, conceptValue))
        if (run.targetIdentity == model.identity && !run.arm.isControl())
            arms.push_back(std::move(run.arm));
    return arms;
}

// Collects missing rows of one set into jobs. Indices of prompts and continuations are those of the job.
class JobMaker {
public:
    JobMaker(const ProjectView& view, const Model& model, const ModelReference& reference,
             const ScoreSet& set, std::vector<Arm> arms)
        : m_view(view), m_model(model), m_reference(reference), m_set(set), m_arms(std::move(arms)) {
        findDirections(m_directions, view, m_arms);
    }

    void addPrompt(const Prompt& prompt, const std::set<Digest>& known, ScorePlan& plan) {
        std::vector<ScoreRow> rows;
        for (std::uint32_t a = 0; a < m_arms.size(); ++a)
            for (std::uint32_t c = 0; c < m_set.continuations.size(); ++c) {
                const auto key =
                    scoreKey(m_model.identity, m_view.study->rendering, prompt.id, m_set.continuations[c],
                             m_arms[a].digest(), m_set.kl ? m_arms[0].digest() : std::string());
                ++plan.wanted;
                if (known.contains(key))
                    ++plan.present;
                else
                    rows.push_back({key, 0, c, a});
            }
        if (!m_job.rows.empty() && m_job.rows.size() + rows.size() > maximumJobRows)
            finish(plan);
        for (auto& row : rows) {
            if (m_job.rows.size() == maximumJobRows)
                finish(plan);
            if (m_job.prompts.empty() || m_job.prompts.back().id != prompt.id)
                m_job.prompts.push_back({prompt.id, prompt.text});
            row.prompt = static_cast<std::uint32_t>(m_job.prompts.size() - 1);
            m_tokens += estimatedTokens(prompt.text) / static_cast<std::int64_t>(m_set.continuations.size()) +
                        estimatedTokens(m_set.continuations[row.continuation].text);
            m_job.rows.push_back(row);
        }
    }

    void finish(ScorePlan& plan) {
        if (m_job.rows.empty())
            return;
        for (const auto& continuation : m_set.continuations)
            m_job.continuations.push_back({continuation.digest(), continuation});
        m_job.arms = m_arms;
        if (m_set.kl)
            m_job.reference = 0;
        m_job.batch = m_view.study->decoding.rows;
        PlannedJob job;
        job.stage = Stage::Score;
        job.modelName = m_reference.name;
        job.results = job.missing = static_cast<std::int64_t>(m_job.rows.size());
        job.title = m_reference.name + ": " + m_set.name + ", " + std::to_string(job.results) + " scores";
        job.seconds = estimatedSeconds(m_model, m_tokens);
        job.memoryBytes = estimatedMemory(m_model, std::min(job.results, m_job.batch), 256);
        for (const auto& [digest, direction] : m_directions)
            job.directions.push_back(direction);
        job.spec.model = {m_reference, m_model.identity};
        job.spec.rendering = m_view.study->rendering;
        job.spec.payload = std::move(m_job);
        job.spec.id = jobId("score", job.spec.keys());
        plan.jobs.push_back(std::move(job));
        m_job = {};
        m_tokens = 0;
    }

private:
    const ProjectView& m_view;
    const Model& m_model;
    const ModelReference& m_reference;
    const ScoreSet& m_set;
    std::vector<Arm> m_arms; // the first is the control
    std::map<std::string, Direction> m_directions;
    ScoreJob m_job;
    std::int64_t m_tokens = 0;
};
} // namespace

ScorePlan scorePlan(const ProjectView& view, const Model& model, const ModelReference& reference) {
    ScorePlan plan;
    std::set<Digest> known;
    for (const auto& score : view.scores)
        if (score->modelIdentity == model.identity)
            known.insert(score->key);
    for (const auto& set : view.study->scores) {
        const auto* conceptValue = view.study->concept_(set.conceptName);
        const auto* prompts = conceptValue ? conceptValue->set(set.role) : nullptr;
        if (!prompts)
            continue;
        JobMaker maker(view, model, reference, set, armsOf(view, model, *conceptValue));
        for (const auto& prompt : prompts->prompts)
            maker.addPrompt(prompt, known, plan);
        maker.finish(plan);
    }
    return plan;
}

} // namespace azimuth
