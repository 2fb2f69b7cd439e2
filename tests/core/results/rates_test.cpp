// Which completions and labels count, and what is made of them; every count by hand.
#include "core/base/text.h"
#include "core/results/comparison.h"
#include "core/results/rates.h"
#include "core/results/sweep.h"
#include "tests/core/checks.h"
#include "tests/core/results/example_view.h"

#include <QTest>

using namespace azimuth;
using namespace azimuth::checks;
using namespace azimuth::example;

class RatesTest : public QObject {
    Q_OBJECT
    static Arm steered() {
        return addingArm(Direction{std::string(64, 'a'), 1, {1, 0}, "", -1, 1}, 1, 3, SpanPolicy::One, 4);
    }

private Q_SLOTS:
    void oneRate() {
        const auto rate = rateOf(3, 100);
        QCOMPARE(rate.value, 0.03);
        QVERIFY(near(rate.low, .010255, 6e-7) && near(rate.high, .084519, 6e-7));
        QVERIFY(std::isnan(rateOf(0, 0).value));
        QCOMPARE(codeOf([] { rateOf(2, 1); }), std::string("stats.count"));
    }

    // The key is the digest of the whole canonical object, whatever shortcut computes it.
    void keysAreThatOfTheObject() {
        Decoding decoding;
        decoding.maximumNewTokens = 48;
        Rendering rendering;
        rendering.system = "Speak \"plainly\"\n";
        Json how = toJson(decoding);
        how.erase("rows");
        const Json object{{"kind", "completion"},
                          {"model", "m"},
                          {"rendering", toJson(rendering)},
                          {"prompt", "p"},
                          {"arm", steered().digest()},
                          {"decoding", how},
                          {"engine_semantics", engineSemantics}};
        const auto expected = toHex(sha256(canonicalJson(object)));
        QCOMPARE(toHex(completionKey("m", rendering, "p", steered(), decoding)), expected);
        QCOMPARE(toHex(CompletionKeys(rendering, decoding).of("m", "p", steered().digest())), expected);
    }

    void whichLabelCounts() {
        Example example(2, 0);
        const Digest a = sha256("a"), b = sha256("b");
        example.label(a, 'n');
        example.label(a, 'c'); // the newest rule
        example.label(b, 'g', Label::Source::Human);
        example.label(b, 'c'); // later, but a rule
        auto view = example.view();
        const auto judge = example.verse().induce.digest();
        QVERIFY(LabelIndex(view, judge).find(a)->verdict == Verdict::Coherent);
        QVERIFY(LabelIndex(view, judge).find(b)->verdict == Verdict::Garbled);
        // Rates of different judges are never joined; what a person said counts for each.
        QVERIFY(!LabelIndex(view, std::string(64, '0')).find(a));
        QVERIFY(LabelIndex(view, std::string(64, '0')).find(b));
        example.label(b, 'n', Label::Source::Human);
        view = example.view();
        QVERIFY(LabelIndex(view, judge).find(b)->verdict == Verdict::Normal);
    }

    void table() {
        Example example(6, 4);
        example.add("one");
        example.put("one", PromptRole::Calibration, controlArm(), "nnnnnn");
        example.put("one", PromptRole::Calibration, steered(), "ccbg?.");
        example.put("one", PromptRole::TestInduce, controlArm(), "cn");
        // Rows of another decoding are of another experiment.
        const auto decoding = example.study.decoding;
        example.study.decoding.maximumNewTokens = 99;
        example.put("one", PromptRole::TestInduce, steered(), "cccc");
        example.study.decoding = decoding;
        const auto table = rateTable(example.view());
        QCOMPARE(table.size(), std::size_t{3});
        const auto& row = table[1];
        QCOMPARE(row.armName, std::string("k 1, strength 3.00"));
        QVERIFY(row.role == PromptRole::Calibration);
        QCOMPARE(row.prompts, std::int64_t{6});
        QCOMPARE(row.completions, std::int64_t{5});
        QCOMPARE(row.labelled, std::int64_t{4});
        QCOMPARE(row.coherent.count, std::int64_t{2});
        QCOMPARE(row.garbled.count, std::int64_t{2});
        QCOMPARE(row.normal.count, std::int64_t{0});
        QCOMPARE(row.behaves.count, std::int64_t{3}); // garbled or not
        QCOMPARE(row.coherent.value, 0.5);
        QVERIFY(table[2].role == PromptRole::TestInduce && table[2].armName == "control");
        QCOMPARE(table[2].coherent.n, std::int64_t{2});
    }

    void missingLabels() {
        Example example(3, 1);
        example.add("one");
        example.put("one", PromptRole::Calibration, controlArm(), "n??");
        example.completions[1].text = "I cannot help with this request.";
        example.completions[2].text = "no no no no";
        auto labels = labelMissing(example.view(), 5);
        QCOMPARE(labels.size(), std::size_t{2});
        QVERIFY(labels[0].verdict == Verdict::Coherent && labels[0].behaves && labels[0].time == 5);
        QCOMPARE(labels[0].rater, std::string("rule"));
        QCOMPARE(labels[0].judgeDigest, example.verse().induce.digest());
        QVERIFY(labels[1].verdict == Verdict::Garbled &&
                labels[1].completionKey == example.completions[2].key);
        QCOMPARE(labels[1].reason, std::string("one word 4 times"));
        // What a person said does not replace the rule's label.
        example.label(example.completions[1].key, 'n', Label::Source::Human);
        QCOMPARE(labelMissing(example.view(), 5).size(), std::size_t{2});
        example.labels.insert(example.labels.end(), labels.begin(), labels.end());
        QVERIFY(labelMissing(example.view(), 6).empty());
        // A second concept with the same prompts and judge needs no second label, one with another judge
        // does.
        example.study.concepts.push_back(example.study.concepts.front());
        example.study.concepts.back().name = "again";
        QVERIFY(labelMissing(example.view(), 6).empty());
        example.study.concepts.back().induce = defaultRefusalJudge();
        QCOMPARE(labelMissing(example.view(), 6).size(), std::size_t{3});
    }

    void besideTheControl() {
        Example example(2, 3);
        const auto model = example.add("one");
        example.put("one", PromptRole::TestInduce, controlArm(), "nn.");
        example.put("one", PromptRole::TestInduce, steered(), "?..");
        example.put("one", PromptRole::Calibration, steered(), ".c");
        const auto view = example.view();
        const auto rows = completionsFor(view, example.study, example.verse(), model, steered());
        QCOMPARE(rows.size(), std::size_t{3});
        QVERIFY(rows[0].role == PromptRole::TestInduce && rows[0].control == 0 && rows[0].steered == 2);
        QVERIFY(rows[0].controlLabel && !rows[0].steeredLabel);
        QVERIFY(rows[1].control == 1 && rows[1].steered == -1);
        QVERIFY(rows[2].role == PromptRole::Calibration && rows[2].control == -1);
        QVERIFY(rows[2].steeredLabel->verdict == Verdict::Coherent);
        QCOMPARE(rows[2].prompt->text, std::string("calibration prompt 1"));
    }

    void manyArms() {
        Example example(1, 200);
        example.add("one");
        for (int arm = 0; arm < 20; ++arm) {
            auto value = steered();
            value.interventions[0].strength = arm + 1;
            example.put("one", PromptRole::TestInduce, value, letters(arm * 8, 'c', 200));
        }
        const auto table = rateTable(example.view());
        QCOMPARE(table.size(), std::size_t{20});
        for (std::size_t arm = 0; arm < table.size(); ++arm)
            QCOMPARE(table[arm].coherent.count, static_cast<std::int64_t>(arm) * 8);
    }
};

QTEST_APPLESS_MAIN(RatesTest)
#include "rates_test.moc"
