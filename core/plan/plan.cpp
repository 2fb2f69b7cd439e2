#include "core/plan/plan.h"

#include "core/base/error.h"
#include "core/plan/batches.h"
#include "core/plan/estimate.h"
#include "core/plan/scores.h"
#include "core/plan/wanted.h"
#include "core/results/calibrate.h"
#include "core/results/sweep.h"

#include <set>

namespace azimuth {

namespace {
class Planner {
public:
    Planner(const ProjectView& view, const RecordedJobs& recorded, const FailedJobs& failed)
        : m_view(view), m_study(*view.study), m_recorded(recorded), m_failed(failed),
          m_keys(m_study.rendering, m_study.decoding) {}

    Plan run() {
        for (const auto& reference : m_study.models) {
            const bool found = m_view.model(reference.name) != nullptr;
            m_plan.counts.push_back({Stage::Inspect, reference.name, 1, found ? 1 : 0});
            if (!found)
                addInspection(reference);
        }
        for (const auto& reference : m_study.models)
            if (const auto* model = m_view.model(reference.name))
                addPreparation(reference, *model);
        // The evaluation's arms follow from every bank and choice: its list is cut when these can grow no
        // more.
        if (m_plan.finished()) {
            for (const auto& reference : m_study.models)
                if (const auto* model = m_view.model(reference.name))
                    addEvaluationOf(reference, *model);
            for (const auto& reference : m_study.models)
                if (const auto* model = m_view.model(reference.name))
                    addScoresOf(reference, *model);
        } else {
            m_plan.later = guessLater();
        }
        return std::move(m_plan);
    }

private:
    static std::int64_t size(const PromptSet* set) {
        return set ? static_cast<std::int64_t>(set->prompts.size()) : 0;
    }

    // Sweeps of models without directions, and every evaluation, as far as widths are known.
    std::int64_t guessLater() const {
        std::int64_t sum = 0;
        const auto grid =
            std::max(m_study.sweep.ks.size(), m_study.sweep.depths.size()) * m_study.sweep.strengths.size();
        for (const auto& target : m_study.models) {
            if (!target.calibrate)
                continue;
            const auto* model = m_view.model(target.name);
            std::int64_t arms = 2;
            for (const auto& source : m_study.models) {
                const auto* other = m_view.model(source.name);
                const bool fits = !model || !other || model->width == other->width;
                arms += m_study.transfer && source.name != target.name && fits ? 1 : 0;
            }
            for (const auto& conceptValue : m_study.concepts) {
                sum += arms * size(conceptValue.set(PromptRole::TestInduce));
                if (!model || !m_view.bank(model->identity, conceptValue.name, Method::Dim))
                    sum +=
                        static_cast<std::int64_t>(grid + 1) * size(conceptValue.set(PromptRole::Calibration));
            }
        }
        return sum;
    }

    void block(Stage stage, const std::string& model, const std::string& conceptName,
               const std::string& reason) {
        m_plan.blocked.push_back({stage, model, conceptName, reason});
    }

    void offer(PlannedJob job) {
        const auto failure = m_failed.find(job.spec.id);
        if (failure == m_failed.end())
            m_plan.jobs.push_back(std::move(job));
        else
            block(job.stage, job.modelName, {}, failure->second);
    }

    void addInspection(const ModelReference& reference) {
        PlannedJob job;
        job.stage = Stage::Inspect;
        job.modelName = reference.name;
        job.title = reference.name + ": find the model";
        job.results = job.missing = 1;
        job.spec.model.reference = reference;
        job.spec.rendering = m_study.rendering;
        job.spec.payload = InspectJob{};
        job.spec.id = toHex(sha256(canonicalJson({{"kind", "inspect"}, {"model", toJson(reference)}})));
        job.seconds = 1;
        offer(std::move(job));
        block(Stage::Extract, reference.name, {}, reference.name + " has not been found yet.");
    }

    // Banks, then the sweep, then the choice.
    void addPreparation(const ModelReference& reference, const Model& model) {
        bool complete = true;
        std::int64_t wanted = 0, present = 0;
        for (const auto& conceptValue : m_study.concepts) {
            for (const auto method : m_study.methods) {
                ++wanted;
                const bool there = hasBank(model, conceptValue, method);
                present += there ? 1 : 0;
                complete = complete && there;
                if (!there)
                    addExtraction(reference, model, conceptValue, method);
            }
        }
        m_plan.counts.push_back({Stage::Extract, reference.name, wanted, present});
        if (!reference.calibrate)
            return;
        if (complete)
            addSweepOf(reference, model);
        else
            block(Stage::Sweep, reference.name, {},
                  "The directions of " + reference.name + " are not extracted yet.");
    }

    Digest keyOf(const Model& model, const Concept& conceptValue, Method method) const {
        return bankKey(model.identity, m_study.rendering, method, *conceptValue.set(PromptRole::Positive),
                       *conceptValue.set(PromptRole::Negative));
    }

    bool hasBank(const Model& model, const Concept& conceptValue, Method method) const {
        const auto key = toHex(keyOf(model, conceptValue, method));
        for (const auto& bank : m_view.banks)
            if (bank->key == key)
                return true;
        return false;
    }

    void addExtraction(const ModelReference& reference, const Model& model, const Concept& conceptValue,
                       Method method) {
        ExtractJob extract;
        extract.key = keyOf(model, conceptValue, method);
        extract.conceptName = conceptValue.name;
        extract.method = method;
        std::int64_t tokens = 0, longest = 0;
        const auto fill = [&](PromptRole role, std::vector<JobPrompt>& prompts) {
            for (const auto& prompt : conceptValue.set(role)->prompts) {
                prompts.push_back({prompt.id, prompt.text});
                tokens += estimatedTokens(prompt.text);
                longest = std::max(longest, estimatedTokens(prompt.text));
            }
        };
        fill(PromptRole::Positive, extract.positive);
        fill(PromptRole::Negative, extract.negative);
        PlannedJob job;
        job.stage = Stage::Extract;
        job.modelName = reference.name;
        job.title = reference.name + ": extract " + conceptValue.name + ", " + toString(method);
        job.results = job.missing = 1;
        job.spec.model = {reference, model.identity};
        job.spec.rendering = m_study.rendering;
        job.spec.payload = std::move(extract);
        job.spec.id = jobId("extract", job.spec.keys());
        job.seconds = estimatedSeconds(model, tokens);
        job.memoryBytes = estimatedMemory(model, 32, longest);
        offer(std::move(job));
    }

    void addSweepOf(const ModelReference& reference, const Model& model) {
        WantedRows wanted;
        for (const auto& conceptValue : m_study.concepts) {
            if (!conceptValue.set(PromptRole::Calibration)) {
                block(Stage::Sweep, reference.name, conceptValue.name,
                      "The concept " + conceptValue.name + " has no calibration prompts.");
                continue;
            }
            try {
                addSweep(wanted, m_view, m_keys, model, conceptValue);
            } catch (const Error& error) {
                block(Stage::Sweep, reference.name, conceptValue.name, error.message());
            }
        }
        if (addBatches(reference, model, Stage::Sweep, wanted))
            return addDue(reference, model);
        for (const auto& conceptValue : m_study.concepts)
            if (!m_view.calibration(model.identity, conceptValue.name))
                block(Stage::Calibrate, reference.name, conceptValue.name,
                      "The sweep of " + reference.name + " is not complete yet.");
    }

    // Only the first choice is made by itself; a choice that is there is the user's to renew.
    void addDue(const ModelReference& reference, const Model& model) {
        for (const auto& conceptValue : m_study.concepts) {
            if (!conceptValue.set(PromptRole::Calibration) ||
                !m_view.bank(model.identity, conceptValue.name, Method::Dim))
                continue;
            const auto* choice = m_view.calibration(model.identity, conceptValue.name);
            if (choice && choice->status != CalibrationStatus::Incomplete)
                continue;
            try {
                const auto now = calibrate(m_view, m_study, conceptValue, model);
                if (now.status == CalibrationStatus::Incomplete && choice)
                    block(Stage::Calibrate, reference.name, conceptValue.name, now.reason + ".");
                else
                    m_plan.calibrationsDue.push_back({model.identity, reference.name, conceptValue.name});
            } catch (const Error& error) {
                block(Stage::Calibrate, reference.name, conceptValue.name, error.message());
            }
        }
    }

    void addEvaluationOf(const ModelReference& reference, const Model& model) {
        WantedRows wanted;
        for (const auto& conceptValue : m_study.concepts) {
            try {
                addEvaluation(wanted, m_view, m_keys, model, conceptValue);
            } catch (const Error& error) {
                block(Stage::Evaluate, reference.name, conceptValue.name, error.message());
            }
        }
        addBatches(reference, model, Stage::Evaluate, wanted);
    }

    void addScoresOf(const ModelReference& reference, const Model& model) {
        if (m_study.scores.empty() || !reference.calibrate)
            return;
        try {
            auto scores = scorePlan(m_view, model, reference);
            m_plan.counts.push_back({Stage::Score, reference.name, scores.wanted, scores.present});
            for (auto& job : scores.jobs)
                offer(std::move(job));
        } catch (const Error& error) {
            block(Stage::Score, reference.name, {}, error.message());
        }
    }

    // True if every wanted completion is there.
    bool addBatches(const ModelReference& reference, const Model& model, Stage stage,
                    const WantedRows& wanted) {
        std::int64_t present = 0;
        for (const auto& row : wanted.rows)
            present += m_view.completions->contains(row.key) ? 1 : 0;
        const auto count = static_cast<std::int64_t>(wanted.rows.size());
        if (count > 0)
            m_plan.counts.push_back({stage, reference.name, count, present});
        for (auto& job : batchesOf(m_view, model, reference, stage, wanted, m_recorded))
            offer(std::move(job));
        return present == count;
    }

    const ProjectView& m_view;
    const Study& m_study;
    const RecordedJobs& m_recorded;
    const FailedJobs& m_failed;
    CompletionKeys m_keys;
    Plan m_plan;
};
} // namespace

std::string toString(Stage stage) {
    switch (stage) {
    case Stage::Inspect:
        return "inspect";
    case Stage::Extract:
        return "extract";
    case Stage::Sweep:
        return "sweep";
    case Stage::Calibrate:
        return "calibrate";
    case Stage::Evaluate:
        return "evaluate";
    case Stage::Score:
        return "score";
    }
    return {};
}

double Plan::seconds() const {
    double sum = 0;
    for (const auto& job : jobs)
        sum += job.seconds;
    return sum;
}

std::int64_t Plan::wanted() const {
    std::int64_t sum = 0;
    for (const auto& count : counts)
        sum += count.wanted;
    return sum;
}

std::int64_t Plan::present() const {
    std::int64_t sum = 0;
    for (const auto& count : counts)
        sum += count.present;
    return sum;
}

Plan plan(const ProjectView& view, const RecordedJobs& recorded, const FailedJobs& failed) {
    return Planner(view, recorded, failed).run();
}

} // namespace azimuth
