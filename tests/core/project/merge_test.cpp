// Merging projects as values: the same set of rows in any order, nothing twice, the first wins where two
// differ, and what would stand under a wrong name is refused.
#include "core/project/merge.h"
#include "core/study/keys.h"

#include "tests/core/checks.h"
#include "tests/core/project/sample.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <QtTest>
#include <random>
#include <set>

using namespace azimuth;
using checks::codeOf;
using checks::messageOf;

namespace {

QString text(const std::string& value) { return QString::fromStdString(value); }

std::shared_ptr<ProjectView> emptyView(const Study& study) {
    auto view = std::make_shared<ProjectView>();
    view->study = std::make_shared<const Study>(study);
    view->modelIdentities.resize(study.models.size());
    view->completions = std::make_shared<const CompletionTable>();
    return view;
}

// Every row as a text, without order.
std::multiset<std::string> rowsOf(const ProjectView& view) {
    std::multiset<std::string> rows;
    const auto bits = [](double value) { return std::to_string(std::bit_cast<std::uint64_t>(value)); };
    for (const auto& model : view.models)
        rows.insert("model " + model->identity);
    for (const auto& bank : view.banks)
        rows.insert("bank " + bank->key);
    for (const auto& arm : view.arms)
        rows.insert("arm " + arm->digest());
    for (std::size_t i = 0; i < view.completions->size(); ++i)
        rows.insert("completion " + toHex(view.completions->row(i).key) + view.completions->row(i).text);
    for (const auto& score : view.scores)
        rows.insert("score " + toHex(score->key));
    for (const auto& label : view.labels)
        rows.insert("label " + toHex(label->completionKey) + label->judgeDigest + label->rater +
                    label->reason + std::to_string(static_cast<int>(label->verdict)) +
                    std::to_string(label->behaves) + bits(label->time));
    for (const auto& note : view.notes)
        rows.insert("note " + note->object + note->text + note->author + bits(note->time));
    for (const auto& value : view.calibrations)
        rows.insert("calibration " + value->id);
    for (const auto& figure : view.figures)
        rows.insert("figure " + figure.name);
    for (const auto& job : view.jobs)
        rows.insert("job " + job.id + job.started);
    for (const auto& record : view.provenance)
        rows.insert("provenance " + record.time + record.action + record.object);
    return rows;
}

// A part of one world of results, as one of several laboratories has it.
ProjectView laboratory(std::mt19937& random, const ProjectView& world) {
    const auto some = [&](auto rows) {
        std::erase_if(rows, [&](const auto&) { return random() % 3 == 0; });
        std::shuffle(rows.begin(), rows.end(), random);
        return rows;
    };
    auto view = *emptyView(*world.study);
    std::vector<Completion> rows;
    for (std::size_t i = 0; i < world.completions->size(); ++i)
        rows.push_back(world.completions->row(i));
    view.completions = std::make_shared<const CompletionTable>(CompletionTable().with(some(rows)));
    for (const auto& label : world.labels)
        if (view.completions->contains(label->completionKey) && random() % 3 != 0)
            view.labels.push_back(label);
    view.models = some(world.models);
    view.banks = some(world.banks);
    view.arms = some(world.arms);
    view.scores = some(world.scores);
    for (const auto& note : world.notes)
        if (random() % 3 != 0)
            view.notes.push_back(note);
    view.calibrations = some(world.calibrations);
    view.figures = some(world.figures);
    view.jobs = some(world.jobs);
    view.provenance = some(world.provenance);
    return view;
}

ProjectView world() {
    auto view = sample::fullView();
    auto rows = sample::completions(300, 3, 20);
    view.completions = std::make_shared<const CompletionTable>(CompletionTable().with(rows));
    std::mt19937 random(3);
    view.labels.clear();
    for (int i = 0; i < 900; ++i) {
        Label label;
        label.completionKey = rows[random() % rows.size()].key;
        label.source = static_cast<Label::Source>(random() % 3);
        label.judgeDigest = label.source == Label::Source::Human ? "" : sample::hexOf("judge");
        label.verdict = static_cast<Verdict>(random() % 3);
        label.rater = label.source == Label::Source::Rule ? "rule" : "rater " + std::to_string(random() % 3);
        label.behaves = random() % 2;
        label.retracted = label.source == Label::Source::Human && random() % 4 == 0;
        // A rule's label of one completion has one time everywhere in this world.
        label.time = label.source == Label::Source::Rule ? 5.0 : static_cast<double>(random() % 50);
        view.labels.push_back(std::make_shared<const Label>(label));
    }
    for (int i = 0; i < 20; ++i) {
        auto calibration = *view.calibrations[0];
        calibration.id = sample::hexOf("calibration of the world " + std::to_string(i));
        calibration.conceptName = "concept " + std::to_string(i % 4);
        view.calibrations.push_back(std::make_shared<const Calibration>(calibration));
        const Note note{NoteSubject::Concept, "verse", "note " + std::to_string(i % 7), "Ana", i / 2.0};
        view.notes.push_back(std::make_shared<const Note>(note));
        view.provenance.push_back({"2026-03-14T09:26:5" + std::to_string(i % 10) + "Z", "user", "edit",
                                   "object " + std::to_string(i), "{}"});
    }
    return view;
}

} // namespace

class MergeTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void anyOrderGivesTheSameRows() {
        const auto all = world();
        std::mt19937 random(11);
        for (int trial = 0; trial < 8; ++trial) {
            std::vector<ProjectView> parts;
            std::set<std::string> expected;
            for (int i = 0; i < 4; ++i) {
                parts.push_back(laboratory(random, all));
                for (const auto& row : rowsOf(parts.back()))
                    expected.insert(row);
            }
            std::vector<std::size_t> order(parts.size());
            std::iota(order.begin(), order.end(), 0u);
            do {
                auto view = *emptyView(*all.study);
                for (const auto at : order) {
                    MergeCount count;
                    view = merge(view, parts[at], &count);
                    QCOMPARE(count.differing, std::size_t{0});
                }
                const auto rows = rowsOf(view);
                QCOMPARE(rows.size(), expected.size()); // nothing twice
                QVERIFY(std::equal(rows.begin(), rows.end(), expected.begin()));
                for (const auto at : order) {
                    MergeCount count;
                    QVERIFY(rowsOf(merge(view, parts[at], &count)) == rows);
                    QVERIFY(count.nothing() && count.provenance == 0);
                }
            } while (std::next_permutation(order.begin(), order.end()));
        }
    }

    void labelsLieInOrderOfTime() {
        auto a = sample::fullView(), b = a;
        a.labels.clear();
        b.labels.clear();
        const auto label = [&](ProjectView& view, const char* rater, double time) {
            Label value;
            value.completionKey = view.completions->row(0).key;
            value.source = Label::Source::Human;
            value.rater = rater;
            value.time = time;
            view.labels.push_back(std::make_shared<const Label>(value));
        };
        for (const double time : {1.0, 5.0, 3.0}) // a clock that was moved back
            label(a, "a", time);
        for (const double time : {0.5, 4.0, 9.0})
            label(b, "b", time);
        label(b, "a", 5.0); // the same record as there
        MergeCount count;
        const auto merged = merge(a, b, &count);
        QCOMPARE(count.labels, std::size_t{3});
        std::vector<double> times;
        for (const auto& one : merged.labels)
            times.push_back(one->time);
        QCOMPARE(times, (std::vector<double>{0.5, 1, 4, 5, 3, 9}));
    }

    void aRulesLabelIsOneWhateverItsTime() {
        const auto a = sample::fullView();
        auto b = a;
        auto later = *b.labels[0];
        later.time += 100;
        b.labels = {std::make_shared<const Label>(later)};
        MergeCount count;
        merge(a, b, &count);
        QCOMPARE(count.labels, std::size_t{0});
        later.verdict = Verdict::Normal;
        b.labels = {std::make_shared<const Label>(later)};
        merge(a, b, &count);
        QCOMPARE(count.labels, std::size_t{1});
    }

    void theFirstWinsAndLabelsOfAnotherTextStayOut() {
        const auto a = sample::fullView();
        auto b = a;
        auto rows = sample::jobResult().completions;
        rows[1].text = "another text"; // has a human and an imported label
        b.completions = std::make_shared<const CompletionTable>(CompletionTable().with(rows));
        for (auto& label : b.labels) {
            auto other = *label;
            other.rater = "another rater";
            label = std::make_shared<const Label>(other);
        }
        auto bank = *b.banks[0];
        std::vector<float> values(bank.tensor.values());
        values[0] += 1;
        bank.tensor = ArrayF(bank.tensor.shape(), values);
        b.banks[0] = std::make_shared<const DirectionBank>(bank);
        MergeCount count;
        const auto merged = merge(a, b, &count);
        QCOMPARE(count.differing, std::size_t{2});
        QCOMPARE(count.labels, std::size_t{1});
        QCOMPARE(text(merged.completions->row(1).text), text(a.completions->row(1).text));
        QCOMPARE(merged.banks[0]->tensor.values()[0], a.banks[0]->tensor.values()[0]);
    }

    void onlyTheUserRechooses() {
        const auto choice = [](const ProjectView& base, const char* id, ProjectView& into) {
            auto value = *base.calibrations[0];
            value.id = sample::hexOf(id);
            into.calibrations.push_back(std::make_shared<const Calibration>(value));
        };
        auto base = sample::fullView();
        base.calibrations.resize(1);
        auto stranger = base, copy = base;
        stranger.calibrations.clear();
        choice(base, "stranger's", stranger);
        choice(base, "chosen again", copy);
        const auto counts = [&](const ProjectView& view) {
            return text(view.calibration(base.calibrations[0]->modelIdentity, "verse")->id);
        };
        QCOMPARE(counts(merge(base, stranger)), text(base.calibrations[0]->id));
        QCOMPARE(counts(merge(base, copy)), text(sample::hexOf("chosen again")));
        QCOMPARE(counts(merge(merge(base, stranger), copy)), text(sample::hexOf("chosen again")));
        QCOMPARE(counts(merge(merge(base, copy), stranger)), text(sample::hexOf("chosen again")));
        QCOMPARE(merge(merge(base, copy), stranger).calibrations.size(), std::size_t{3});
    }

    void wrongNamesAreRefused() {
        auto project = *emptyView(sample::study());
        const auto result = sample::jobResult();
        const auto& concept_ = project.study->concepts[0];
        auto good = result;
        for (auto& bank : good.banks)
            bank.key =
                toHex(bankKey(bank.modelIdentity, project.study->rendering, bank.method,
                              *concept_.set(PromptRole::Positive), *concept_.set(PromptRole::Negative)));
        auto study = *project.study; // whose weights are these
        study.models[0].sha256 = weightsDigest(good.models[0]);
        project.study = std::make_shared<const Study>(study);
        checkMergeable(project, good, "good.h5");
        checkMergeable(merge(project, good), good, "good.h5");
        const auto refused = [&](const JobResult& other) {
            return text(messageOf([&] { checkMergeable(merge(project, good), other, "other.h5"); }));
        };
        auto other = good;
        other.models[0].identity = sample::hexOf("other weights");
        QVERIFY2(refused(other).startsWith(
                     QStringLiteral("other.h5 cannot be merged: the model \"SmolLM2 fp32\" is ")),
                 qPrintable(refused(other)));
        other = good;
        other.banks[0].key = sample::hexOf("other prompts");
        QVERIFY(refused(other).contains(QStringLiteral("directions of \"verse\" come from other prompts")));
        other.banks[0].conceptName = "another concept"; // which the study does not have
        QCOMPARE(refused(other), QStringLiteral("nothing was thrown"));
        auto bf16 = good;
        bf16.models[0].compute = Precision::Bf16;
        QVERIFY(text(messageOf([&] {
                    checkMergeable(project, bf16, "x");
                })).contains(QStringLiteral("computed in bf16 there and in fp32 here")));
        auto wrongWeights = good;
        wrongWeights.models[0].weightsSha256 = {sample::hexOf("y")};
        QVERIFY(text(messageOf([&] {
                    checkMergeable(project, wrongWeights, "x");
                })).contains(QStringLiteral("this study asks for")));
        const auto view = sample::fullView(); // its calibration names a judge that the study has not
        QCOMPARE(codeOf([&] { checkMergeable(project, view, "x"); }), std::string("merge.conflict"));
        QVERIFY(text(messageOf([&] {
                    auto judged = view;
                    judged.banks.clear();
                    judged.modelIdentities = {"", ""};
                    checkMergeable(project, judged, "x");
                })).contains(QStringLiteral("judged by another judge")));
    }
};

QTEST_GUILESS_MAIN(MergeTest)
#include "merge_test.moc"
