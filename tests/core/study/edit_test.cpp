// Edits: what each does to a view, what takes it back, and their JSON.
#include "core/study/edit.h"

#include "tests/core/checks.h"
#include "tests/core/project/sample.h"

#include <QtTest>
#include <set>

using namespace azimuth;
using checks::codeOf;

namespace {

Edit edit(Change change, double time = 100.5) { return {"what was done", "Ana Ž.", time, std::move(change)}; }

// What the rater says of a completion; nothing if nothing.
std::optional<Verdict> said(const ProjectView& view, const Digest& key, const std::string& rater) {
    const Label* newest = nullptr;
    for (const auto& label : view.labels)
        if (label->completionKey == key && label->rater == rater && label->source == Label::Source::Human)
            newest = label.get();
    return newest && !newest->retracted ? std::optional(newest->verdict) : std::nullopt;
}

std::vector<Change> everyChange(const ProjectView& view) {
    auto study = *view.study;
    study.title = "Another title";
    auto choice = *view.calibrations[0]; // a real one has an id of its JSON, so it is finite
    for (auto& point : choice.points)
        point.alpha = point.dose = point.gridStrength = 0.1;
    choice.id = std::string(64, 'c');
    choice.created = "2026-11-27T08:00:00Z";
    JobRecord failed = view.jobs[0];
    failed.state = JobState::Failed;
    failed.error = "engine.memory: too large";
    return {SetLabels{{{view.completions->row(0).key, Verdict::Coherent}, {view.completions->row(1).key, {}}},
                      "Ana"},
            SetNote{NoteSubject::Bank, view.banks[0]->key, "look at k = 12"},
            *studyChange(*view.study, study),
            RecordCalibration{choice},
            RecordJob{failed},
            AttachShard{std::string(64, 'a'), "x.h5", std::string(64, 'b')}};
}

} // namespace

class EditTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void everyKindComesBackFromJson() {
        const auto view = sample::fullView();
        for (const auto& change : everyChange(view)) {
            const auto json = toJson(edit(change));
            const auto again = readEdit(parseJson(canonicalJson(json), "log"), "log");
            QCOMPARE(toJson(again), json);
            QCOMPARE(again.change.index(), change.index());
            const auto one = apply(view, edit(change)), two = apply(view, again);
            QCOMPARE(QString::fromStdString(sample::difference(one, two)), QString());
        }
    }

    void hostileJsonIsRefused() {
        const auto view = sample::fullView();
        for (const auto& change : everyChange(view)) {
            const auto json = toJson(edit(change));
            for (const auto& [key, value] :
                 json.items()) { // each member missing, of another type, one too many
                auto lacking = json, wrong = json, more = json;
                lacking.erase(key);
                wrong[key] = Json::object({{"x", 1}});
                more["x" + key] = value;
                if (key != "identities")
                    QVERIFY2(codeOf([&] { readEdit(lacking, "log"); }).substr(0, 4) == "json", key.c_str());
                QVERIFY2(codeOf([&] { readEdit(wrong, "log"); }).substr(0, 4) == "json", key.c_str());
                QVERIFY2(codeOf([&] { readEdit(more, "log"); }).substr(0, 4) == "json", key.c_str());
            }
        }
        auto json = toJson(edit(everyChange(view)[0]));
        json["items"][0]["key"] = "12";
        QCOMPARE(codeOf([&] { readEdit(json, "log"); }), std::string("json.content"));
        json = toJson(edit(everyChange(view)[0]));
        json["items"][0]["verdict"] = "fine";
        QCOMPARE(codeOf([&] { readEdit(json, "log"); }), std::string("json.content"));
    }

    void labelsAreAppendedAndWithdrawn() {
        const auto view = sample::fullView();
        const auto a = view.completions->row(0).key, b = view.completions->row(1).key;
        const SetLabels both{{{a, Verdict::Coherent}, {b, Verdict::Garbled}}, "Ana"};
        auto now = apply(view, edit(both));
        QCOMPARE(now.labels.size(), view.labels.size() + 2);
        QVERIFY(said(now, a, "Ana") == Verdict::Coherent && said(now, b, "Ana") == Verdict::Garbled);
        QVERIFY(now.labels[now.labels.size() - 2]->behaves);
        QCOMPARE(now.labels.back()->time, 100.5);
        QCOMPARE(apply(now, edit(both)).labels.size(), now.labels.size()); // said already
        const auto another = apply(now, edit(SetLabels{{{a, Verdict::Normal}}, "Ben"}));
        QVERIFY(said(another, a, "Ana") == Verdict::Coherent && said(another, a, "Ben") == Verdict::Normal);
        const auto withdrawn = apply(now, edit(SetLabels{{{a, {}}}, "Ana"}));
        QVERIFY(!said(withdrawn, a, "Ana") && said(withdrawn, b, "Ana"));
        QCOMPARE(withdrawn.labels.size(), now.labels.size() + 1); // nothing is overwritten
        QCOMPARE(apply(view, edit(SetLabels{{{a, {}}}, "Ana"})).labels.size(), view.labels.size());
    }

    void aGarbledTextBehavesAsTheRulesSaid() {
        const auto view = sample::fullView(); // the rule found the behaviour in the first completion
        const auto now = apply(view, edit(SetLabels{{{view.completions->row(0).key, Verdict::Garbled},
                                                     {view.completions->row(1).key, Verdict::Garbled}},
                                                    "Ana"}));
        QVERIFY(now.labels[now.labels.size() - 2]->behaves);
        QVERIFY(!now.labels.back()->behaves);
    }

    void undoingLeadsBack() {
        const auto view = sample::fullView();
        const auto a = view.completions->row(0).key, b = view.completions->row(1).key;
        auto now = apply(view, edit(SetLabels{{{a, Verdict::Normal}}, "Ana"}));
        const SetLabels change{{{a, Verdict::Coherent}, {b, Verdict::Garbled}}, "Ana"};
        const auto back = inverse(now, change);
        const auto after = apply(now, edit(change));
        const auto undone = apply(after, edit(*back));
        QVERIFY(said(undone, a, "Ana") == Verdict::Normal && !said(undone, b, "Ana"));
        const auto again = inverse(after, *back);
        const auto redone = apply(undone, edit(*again));
        QVERIFY(said(redone, a, "Ana") == Verdict::Coherent && said(redone, b, "Ana") == Verdict::Garbled);
    }

    void notesAreReplacedAndWithdrawn() {
        auto view = sample::fullView();
        const auto& bank = view.banks[0]->key;
        const SetNote first{NoteSubject::Bank, bank, "one"}, second{NoteSubject::Bank, bank, "two"};
        view = apply(view, edit(first));
        const auto back = inverse(view, second);
        view = apply(view, edit(second));
        QCOMPARE(view.note(NoteSubject::Bank, bank)->text, std::string("two"));
        QVERIFY(!view.note(NoteSubject::Arm, bank));
        view = apply(view, edit(*back));
        QCOMPARE(view.note(NoteSubject::Bank, bank)->text, std::string("one"));
        view = apply(view, edit(SetNote{NoteSubject::Bank, bank, ""}));
        QVERIFY(!view.note(NoteSubject::Bank, bank));
    }

    void theStudyChangesAndComesBack() {
        const auto view = sample::fullView();
        QVERIFY(view.study->models.size() >= 2 && !view.modelIdentities[0].empty());
        auto study = *view.study;
        study.title = "Renamed";
        study.models.erase(study.models.begin());
        const auto change = *studyChange(*view.study, study);
        QVERIFY(!studyChange(study, study));
        const auto back = inverse(view, change);
        const auto after = apply(view, edit(change));
        QCOMPARE(toJson(*after.study), toJson(study));
        QCOMPARE(after.title, std::string("Renamed"));
        QCOMPARE(after.modelIdentities.size(), study.models.size());
        QCOMPARE(after.banks.size(), view.banks.size()); // results stay
        const auto undone = apply(after, edit(*back));
        QCOMPARE(toJson(*undone.study), toJson(*view.study));
        QCOMPARE(undone.modelIdentities, view.modelIdentities); // and are found again
        QCOMPARE(
            codeOf([&] {
                apply(undone, edit(ChangeStudy{Json::array({{{"op", "remove"}, {"path", "/nothing"}}}), {}}));
            }),
            std::string("edit.value"));
        QCOMPARE(
            codeOf([&] {
                apply(undone, edit(ChangeStudy{Json::array({{{"op", "remove"}, {"path", "/models"}}}), {}}));
            }),
            std::string("json.content"));
    }

    void aChangeFitsOnlyTheStudyItWasMadeFrom() {
        const auto view = sample::fullView();
        auto without = *view.study, renamed = *view.study;
        without.models.erase(without.models.begin());
        renamed.models[0].name = "Renamed";
        const auto after = apply(view, edit(*studyChange(*view.study, without)));
        QCOMPARE(codeOf([&] { apply(after, edit(*studyChange(*view.study, renamed))); }),
                 std::string("edit.value")); // its row 0 is another model now
        auto titled = *view.study;
        titled.title = "Another"; // what does not touch the models fits still
        QCOMPARE(apply(after, edit(*studyChange(*view.study, titled))).title, std::string("Another"));
    }

    void aChoiceIsRecordedOnce() {
        const auto view = sample::fullView();
        const auto before = *view.calibrations.back();
        const auto counted = [&](const ProjectView& now) {
            return now.calibration(before.modelIdentity, before.conceptName)->id;
        };
        QCOMPARE(apply(view, edit(RecordCalibration{before})).calibrations.size(), view.calibrations.size());
        auto choice = before;
        choice.id = std::string(64, 'c');
        const auto chosen = apply(view, edit(RecordCalibration{choice}));
        QCOMPARE(chosen.calibrations.size(), view.calibrations.size() + 1);
        QCOMPARE(counted(chosen), choice.id);
        const auto back = apply(chosen, edit(*inverse(view, RecordCalibration{choice})));
        QCOMPARE(back.calibrations.size(), view.calibrations.size() + 2); // rows are only ever appended
        QCOMPARE(counted(back), before.id);
        QVERIFY(back.calibrations.back()->created != before.created);
        const auto again = apply(back, edit(*inverse(chosen, RecordCalibration{before})));
        QCOMPARE(again.calibrations.size(), view.calibrations.size() + 3);
        QCOMPARE(counted(again), choice.id);
        const auto third = apply(again, edit(*inverse(back, RecordCalibration{choice})));
        std::set<std::pair<std::string, std::string>> rows; // told apart, also within a second
        for (const auto& row : third.calibrations)
            rows.emplace(row->id, row->created);
        QCOMPARE(rows.size(), third.calibrations.size());
        QCOMPARE(again.provenance.size(), view.provenance.size() + 3);
        choice.bankKey = std::string(64, '0');
        QCOMPARE(codeOf([&] { apply(view, edit(RecordCalibration{choice})); }), std::string("edit.missing"));
        QVERIFY(!inverse(view, RecordCalibration{before}) && !inverse(view, AttachShard{}));
    }
};

QTEST_GUILESS_MAIN(EditTest)
#include "edit_test.moc"
