// The planner on projects made by hand: the stages in turn, extension of a grid, batches that were killed.
#include "core/base/error.h"
#include "core/plan/plan.h"
#include "core/results/calibrate.h"
#include "core/results/rates.h"
#include "core/results/sweep.h"
#include "core/study/keys.h"

#include <QtTest>

#include <set>

using namespace azimuth;

namespace {
PromptSet promptsOf(PromptRole role, const std::string& name, int count) {
    PromptSet set;
    set.role = role;
    for (int i = 0; i < count; ++i)
        set.prompts.push_back(Prompt::of(name + " " + std::to_string(i)));
    return set;
}

Study studyOf() {
    Study study;
    study.title = "test";
    study.models = {{"A", "a.gguf", std::nullopt, Precision::Fp32, true},
                    {"B", "b.gguf", std::nullopt, Precision::Fp32, true},
                    {"Wide", "c.gguf", std::nullopt, Precision::Fp32, false}};
    Concept verse;
    verse.name = "verse";
    verse.sets[PromptRole::Positive] = promptsOf(PromptRole::Positive, "poem", 4);
    verse.sets[PromptRole::Negative] = promptsOf(PromptRole::Negative, "report", 4);
    verse.sets[PromptRole::Calibration] = promptsOf(PromptRole::Calibration, "question", 10);
    verse.sets[PromptRole::TestInduce] = promptsOf(PromptRole::TestInduce, "test", 12);
    verse.induce.name = "verse";
    verse.induce.behaviour = "verse";
    verse.induce.rules.push_back({BehaviourRule::Kind::Contains, {"roses"}, 0, false, 0});
    study.concepts = {verse};
    study.sweep.ks = {1, 2};
    study.sweep.strengths = {0.5, 1};
    study.decoding.maximumNewTokens = 8;
    study.decoding.rows = 4;
    return study;
}

ProjectView viewOf(const Study& study) {
    ProjectView view;
    view.study = std::make_shared<const Study>(study);
    view.modelIdentities.resize(study.models.size());
    view.completions = std::make_shared<const CompletionTable>();
    return view;
}

void resolve(ProjectView& view, std::size_t index, std::int64_t width, std::int64_t parameters = 1000) {
    Model model;
    model.name = view.study->models[index].name;
    model.identity = std::string(63, '0') + std::to_string(index);
    model.family = "llama";
    model.blocks = 3;
    model.width = width;
    model.vocabulary = 100;
    model.parameters = parameters;
    model.memoryBytes = 4000;
    view.modelIdentities[index] = model.identity;
    view.models.push_back(std::make_shared<const Model>(model));
}

// A bank whose rows are d values that differ from k to k and from model to model.
void addBank(ProjectView& view, const JobSpec& spec) {
    const auto& extract = std::get<ExtractJob>(spec.payload);
    const auto* model = view.modelByIdentity(spec.model.identity);
    DirectionBank bank;
    bank.key = toHex(extract.key);
    bank.modelIdentity = model->identity;
    bank.conceptName = extract.conceptName;
    bank.positions = {-1};
    bank.ks = model->blocks + 1;
    bank.width = model->width;
    std::vector<float> tensor;
    std::vector<double> raw, median;
    for (std::int64_t k = 0; k < bank.ks; ++k) {
        double squares = 0;
        for (std::int64_t i = 0; i < bank.width; ++i) {
            const auto value = static_cast<float>(k == 0 ? 0 : k * (i + 1) + model->identity.back() % 5);
            tensor.push_back(value);
            squares += double(value) * double(value);
        }
        raw.push_back(std::sqrt(squares));
        median.push_back(10 * double(k + 1));
    }
    bank.tensor = ArrayF({1, bank.ks, bank.width}, tensor);
    bank.rawNorm = ArrayD({1, bank.ks}, raw);
    bank.medianNorm = ArrayD({1, bank.ks}, median);
    view.banks.push_back(std::make_shared<const DirectionBank>(bank));
}

// Completes a job: steered rows show the behaviour from strength on.
void complete(ProjectView& view, const JobSpec& spec) {
    if (const auto* job = std::get_if<ScoreJob>(&spec.payload)) {
        for (const auto& row : job->rows) {
            Score score;
            score.key = row.key;
            score.modelIdentity = spec.model.identity;
            view.scores.push_back(std::make_shared<const Score>(score));
        }
        return;
    }
    const auto& generate = std::get<GenerateJob>(spec.payload);
    std::vector<Completion> rows;
    for (const auto& row : generate.rows) {
        Completion completion;
        completion.key = row.key;
        completion.modelIdentity = spec.model.identity;
        completion.promptId = generate.prompts[row.prompt].id;
        completion.armDigest = generate.arms[row.arm].digest();
        completion.text = generate.arms[row.arm].isControl() ? "A plain answer to a question."
                                                             : "Some roses are growing in the garden.";
        completion.jobId = spec.id;
        rows.push_back(completion);
    }
    view.completions = std::make_shared<const CompletionTable>(view.completions->with(rows));
    for (const auto& label : labelMissing(view, 1))
        view.labels.push_back(std::make_shared<const Label>(label));
}

void choose(ProjectView& view, const CalibrationDue& due) {
    const auto& conceptValue = *view.study->concept_(due.conceptName);
    view.calibrations.push_back(std::make_shared<const Calibration>(
        calibrate(view, *view.study, conceptValue, *view.modelByIdentity(due.modelIdentity))));
}

std::vector<std::string> titles(const Plan& plan) {
    std::vector<std::string> out;
    for (const auto& job : plan.jobs)
        out.push_back(job.title);
    return out;
}

void extractAll(ProjectView& view) {
    for (bool more = true; more;) {
        more = false;
        for (const auto& job : plan(view).jobs)
            if (job.stage == Stage::Extract) {
                addBank(view, job.spec);
                more = true;
                break;
            }
    }
}

ProjectView extracted(const Study& study = studyOf()) {
    auto view = viewOf(study);
    resolve(view, 0, 4);
    resolve(view, 1, 4);
    resolve(view, 2, 6);
    extractAll(view);
    return view;
}

// Runs every job until nothing is left; returns the ids in the order of running.
std::vector<std::string> finish(ProjectView& view, RecordedJobs& recorded, std::size_t stopAfter = 1000) {
    std::vector<std::string> ids;
    for (int step = 0; step < 1000 && ids.size() < stopAfter; ++step) {
        const auto next = plan(view, recorded);
        for (const auto& job : next.jobs)
            if (!job.recorded)
                recorded.push_back(std::make_shared<const JobSpec>(job.spec));
        if (!next.jobs.empty()) {
            complete(view, next.jobs.front().spec);
            ids.push_back(next.jobs.front().spec.id);
        } else if (!next.calibrationsDue.empty()) {
            choose(view, next.calibrationsDue.front());
        } else {
            break;
        }
    }
    return ids;
}
} // namespace

class PlanTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void beginsByFindingTheModels() {
        const auto first = plan(viewOf(studyOf()));
        QCOMPARE(titles(first), (std::vector<std::string>{"A: find the model", "B: find the model",
                                                          "Wide: find the model"}));
        std::set<std::string> ids;
        for (const auto& job : first.jobs) {
            QCOMPARE(job.spec.kind(), std::string("inspect"));
            ids.insert(job.spec.id);
        }
        QCOMPARE(ids.size(), std::size_t(3));
        QCOMPARE(first.blocked.size(), std::size_t(3));
        QVERIFY(!first.finished());
    }

    void extractsOneModelWhileAnotherIsNotFound() {
        auto view = viewOf(studyOf());
        resolve(view, 1, 4);
        const auto next = plan(view);
        QCOMPARE(titles(next), (std::vector<std::string>{"A: find the model", "Wide: find the model",
                                                         "B: extract verse, dim"}));
        const auto& extract = std::get<ExtractJob>(next.jobs[2].spec.payload);
        QCOMPARE(extract.positive.size(), std::size_t(4));
        QCOMPARE(std::get<std::string>(extract.negative[3].content), std::string("report 3"));
        QCOMPARE(next.jobs[2].spec.model.identity, view.modelIdentities[1]);
        // Round trip: what is planned can be sent.
        QCOMPARE(toJson(readJobSpec(toJson(next.jobs[2].spec), "job")).dump(),
                 toJson(next.jobs[2].spec).dump());
    }

    void aModelThatCannotBeFoundIsSaidWithItsReason() {
        auto view = viewOf(studyOf());
        resolve(view, 0, 4);
        resolve(view, 1, 4);
        const auto first = plan(view);
        const auto next = plan(view, {}, {{first.jobs[0].spec.id, "c.gguf: no such model file."}});
        QCOMPARE(next.jobs.size(), first.jobs.size() - 1);
        QCOMPARE(next.blocked[0].modelName, std::string("Wide"));
        QCOMPARE(next.blocked[0].reason, std::string("c.gguf: no such model file."));
    }

    void sweepsOnlyTheModelsToCalibrate() {
        auto view = extracted();
        const auto next = plan(view);
        std::int64_t rows = 0;
        std::set<std::string> models;
        for (const auto& job : next.jobs) {
            QCOMPARE(toString(job.stage), std::string("sweep"));
            rows += job.results;
            models.insert(job.modelName);
            QVERIFY(std::get<GenerateJob>(job.spec.payload).rows.size() <= 256);
            QVERIFY(job.directions.size() <= 2);
        }
        QCOMPARE(models, (std::set<std::string>{"A", "B"}));
        QCOMPARE(rows, std::int64_t(2 * 10 * (1 + 2 * 2))); // models x prompts x (control + k x strengths)
        const auto& generate = std::get<GenerateJob>(next.jobs[0].spec.payload);
        QCOMPARE(generate.arms[0].isControl(), true);
        const auto& arm = generate.arms[1].interventions.at(0);
        QCOMPARE(arm.kFrom, std::int64_t(1));
        QCOMPARE(arm.strength, 0.5 * view.banks[0]->rawNorm.at(0, 1));
        QCOMPARE(next.jobs[0].directions[0].digest, arm.direction);
    }

    void cutsBatchesByCost() {
        auto view = viewOf(studyOf());
        resolve(view, 0, 4, 1000);          // costs nothing: one job of all 50 rows
        resolve(view, 1, 4, 4'000'000'000); // 0.13 s a token: one batch of decoding.rows each
        resolve(view, 2, 6);
        extractAll(view);
        std::vector<std::size_t> small, large;
        for (const auto& job : plan(view).jobs)
            (job.modelName == "A" ? small : large)
                .push_back(std::get<GenerateJob>(job.spec.payload).rows.size());
        QCOMPARE(small, std::vector<std::size_t>{50});
        QCOMPARE(large.size(), std::size_t(13));
        QCOMPARE(large.front(), std::size_t(4));
        QCOMPARE(large.back(), std::size_t(2));
    }

    void goesThroughAllStages() {
        auto view = extracted();
        RecordedJobs recorded;
        const auto ids = finish(view, recorded);
        QCOMPARE(view.calibrations.size(), std::size_t(2));
        QVERIFY(view.calibrations[0]->choice());
        // sweep: 2 x 50; evaluation: (control, own, foreign) x 12 on A and on B; nothing on the model of
        // another width
        QCOMPARE(view.completions->size(), std::size_t(100 + 2 * 3 * 12));
        QVERIFY(plan(view, recorded).finished());
        QCOMPARE(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
        const auto last = plan(view, recorded);
        QCOMPARE(last.wanted(), last.present());
    }

    void aLargerGridPlansOnlyItsNewKeys() {
        auto view = extracted();
        RecordedJobs recorded;
        finish(view, recorded);
        auto study = *view.study;
        study.sweep.strengths.push_back(2);
        view.study = std::make_shared<const Study>(study);
        const auto next = plan(view, recorded);
        std::int64_t rows = 0;
        for (const auto& job : next.jobs) {
            rows += job.results;
            QCOMPARE(job.missing, job.results);
            for (const auto& row : std::get<GenerateJob>(job.spec.payload).rows)
                QVERIFY(!view.completions->contains(row.key));
        }
        QCOMPARE(rows, std::int64_t(2 * 10 * 2)); // models x prompts x k, one strength
        finish(view, recorded);
        QCOMPARE(view.calibrations.size(), std::size_t(2)); // the choice stays the user's
    }

    void aKilledBatchRunsAgainWhole() {
        auto heavy = studyOf();
        auto view = viewOf(heavy);
        resolve(view, 0, 4, 4'000'000'000);
        resolve(view, 1, 4);
        resolve(view, 2, 6);
        extractAll(view);
        auto undisturbed = view;
        RecordedJobs all;
        const auto expected = finish(undisturbed, all);

        RecordedJobs recorded;
        auto ids =
            finish(view, recorded, 3); // three batches are there; the fourth is recorded and was killed
        const auto next = plan(view, recorded);
        QVERIFY(next.jobs.front().recorded);
        QCOMPARE(next.jobs.front().spec.id, expected[3]);
        const auto rest = finish(view, recorded);
        ids.insert(ids.end(), rest.begin(), rest.end());
        QCOMPARE(ids, expected);
        QCOMPARE(view.completions->size(), undisturbed.completions->size());

        // Without the records of what ran (only the shards are there) the cut is still the same.
        auto bare = extracted(heavy);
        bare.completions = view.completions;
        QCOMPARE(plan(bare).wanted(), plan(bare).present());
    }

    void aBatchWithOneMissingKeyKeepsItsIdAndItsRows() {
        auto view = extracted();
        const auto first = plan(view).jobs.front();
        RecordedJobs recorded{std::make_shared<const JobSpec>(first.spec)};
        auto half = first.spec; // all rows but the last are there already
        std::get<GenerateJob>(half.payload).rows.pop_back();
        complete(view, half);
        const auto next = plan(view, recorded).jobs.front();
        QCOMPARE(next.spec.id, first.spec.id);
        QCOMPARE(next.results, first.results);
        QCOMPARE(next.missing, std::int64_t(1));
        QVERIFY(next.recorded);
        // A batch of keys that the study no longer wants is left alone.
        auto study = *view.study;
        study.decoding.maximumNewTokens = 9;
        view.study = std::make_shared<const Study>(study);
        for (const auto& job : plan(view, recorded).jobs)
            QVERIFY(job.spec.id != first.spec.id && !job.recorded);
    }

    void withoutTransferOnlyOwnAndControlAreEvaluated() {
        auto study = studyOf();
        study.transfer = false;
        auto view = extracted(study);
        RecordedJobs recorded;
        finish(view, recorded);
        QCOMPARE(view.completions->size(), std::size_t(100 + 2 * 2 * 12));
    }

    void scoresComeLastUnderTheArmsOfTheEvaluation() {
        auto study = studyOf();
        study.scores = {{"first word", "verse", PromptRole::TestInduce, {{"Roses", true, {}}, {"", false, {7}}}, true}};
        auto view = extracted(study);
        RecordedJobs recorded;
        finish(view, recorded);
        // 12 prompts x (control, own, foreign) x 2 continuations on A and on B
        QCOMPARE(view.scores.size(), std::size_t(2 * 12 * 3 * 2));
        const auto last = plan(view, recorded);
        QVERIFY(last.finished());
        QCOMPARE(last.wanted(), last.present());

        // What is missing is planned, and nothing else; every row stands once under its own key.
        std::set<Digest> keys;
        for (const auto& score : view.scores)
            keys.insert(score->key);
        QCOMPARE(keys.size(), view.scores.size());
        const auto dropped = view.scores.back()->key;
        view.scores.pop_back();
        const auto again = plan(view, recorded);
        QCOMPARE(again.jobs.size(), std::size_t(1));
        const auto& job = again.jobs.front();
        QVERIFY(job.stage == Stage::Score);
        QCOMPARE(job.missing, std::int64_t(1));
        const auto& spec = std::get<ScoreJob>(job.spec.payload);
        QVERIFY(spec.rows.front().key == dropped);
        const auto& row = spec.rows.front();
        QVERIFY(dropped == scoreKey(job.spec.model.identity, study.rendering, spec.prompts[row.prompt].id,
                                    spec.continuations[row.continuation].content, spec.arms[row.arm].digest(),
                                    spec.arms[spec.reference.value()].digest()));
        QVERIFY(spec.arms[0].isControl());
        QCOMPARE(job.directions.size(), std::size_t(2));
        auto prepared = job.spec; // as the window completes it
        for (const auto& direction : job.directions)
            std::get<ScoreJob>(prepared.payload).blobs[direction.digest] = std::string(64, 'a');
        QCOMPARE(readJobSpec(toJson(prepared), "again").id, job.spec.id);
    }

    void withoutCalibrationPromptsItSaysSo() {
        auto study = studyOf();
        study.concepts[0].sets.erase(PromptRole::Calibration);
        const auto next = plan(extracted(study));
        QVERIFY(next.finished());
        QCOMPARE(next.blocked.front().reason, std::string("The concept verse has no calibration prompts."));
    }
};

QTEST_GUILESS_MAIN(PlanTest)
#include "plan_test.moc"
