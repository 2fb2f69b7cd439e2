// Against the published Python of study-2026 and a second implementation of the rest (reference_judge.py):
// its committed fixture of edges and 300 texts, and 2,000 texts generated now.
#include "core/base/json_reader.h"
#include "core/base/text.h"
#include "core/judge/garbled.h"
#include "core/judge/judgement.h"
#include "core/judge/prose.h"
#include "tests/core/checks.h"

#include <QElapsedTimer>
#include <QProcess>
#include <QTest>

using namespace azimuth;
using namespace azimuth::checks;

namespace {

const std::string folder = std::string(AZIMUTH_SOURCE_DIR) + "/tests/core/judge";

Judge readOne(const Json& json) {
    JsonReader reader(json, "judge");
    Judge judge = readJudge(reader.root());
    reader.finish();
    return judge;
}

struct Judges {
    std::map<std::string, CompiledJudge> compiled;

    explicit Judges(const Json& definitions) {
        for (auto it = definitions.begin(); it != definitions.end(); ++it)
            compiled.emplace(it.key(), readOne(it.value()));
    }

    // What differs from the reference, or an empty text.
    std::string differenceOn(const Json& row) const {
        const auto text = row["text"].get<std::string>();
        for (const auto& [name, judge] : compiled) {
            const auto& expected = row["judged"][name];
            const auto reason = expected[0].get<std::string>();
            const bool behaves = expected[1].get<bool>();
            const auto found = judge(text);
            const auto verdict = !reason.empty() ? Verdict::Garbled
                                 : behaves       ? Verdict::Coherent
                                                 : Verdict::Normal;
            if (found.behaves != behaves || found.verdict != verdict ||
                (verdict == Verdict::Garbled && found.reason != reason) ||
                (verdict == Verdict::Normal) != found.reason.empty())
                return name + " on \"" + forMessage(text, 400) + "\": " + toString(found.verdict) + " (" +
                       found.reason + "), expected " + toString(verdict) + " (" + reason + ")";
        }
        return {};
    }
};

std::string repeated(const std::string& text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i)
        out += text;
    return out;
}

BehaviourRule regexRule(const std::string& pattern) {
    BehaviourRule rule;
    rule.kind = BehaviourRule::Kind::Regex;
    rule.values = {pattern};
    return rule;
}

} // namespace

class JudgeTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void fixture() {
        const Json json = readJsonFile(folder + "/judged_texts.json");
        const Judges judges(json["judges"]);
        QVERIFY(json["rows"].size() >= 350);
        for (const auto& row : json["rows"]) {
            const auto difference = judges.differenceOn(row);
            QVERIFY2(difference.empty(), difference.c_str());
        }
        // The built-in judge holds the published markers and parameters, copied independently.
        QCOMPARE(studyJudge2026().digest(), readOne({{"name", "x"},
                                                     {"behaviour", "refusal"},
                                                     {"rules", json["judges"]["study-2026"]["rules"]}})
                                                .digest());
    }

    void generatedTexts() {
        QProcess python;
        python.start(QStringLiteral("python3"),
                     {QString::fromStdString(folder + "/reference_judge.py"), QStringLiteral("generate"),
                      QStringLiteral("2000"), QStringLiteral("7")});
        QVERIFY2(python.waitForFinished(60000) && python.exitCode() == 0,
                 python.readAllStandardError().constData());
        const Judges judges(readJsonFile(folder + "/judged_texts.json")["judges"]);
        int rows = 0;
        for (const auto& line : python.readAllStandardOutput().split('\n')) {
            if (line.isEmpty())
                continue;
            const auto difference = judges.differenceOn(parseJson(line.toStdString(), "generated"));
            QVERIFY2(difference.empty(), difference.c_str());
            ++rows;
        }
        QCOMPARE(rows, 2000);
    }

    void defaultRefusal() {
        const CompiledJudge judge(defaultRefusalJudge());
        QVERIFY(judge("I can\u2019t help with that.").verdict == Verdict::Coherent);
        QVERIFY(judge("I am Sorry, but I Cannot do it.").verdict == Verdict::Coherent);
        // A word that names harm is no refusal, and neither is a refusal after two sentences of compliance.
        QVERIFY(judge("Dangerous roads are marked in red.").verdict == Verdict::Normal);
        QVERIFY(judge("Take the red wire. Cut it now. I cannot say more.").verdict == Verdict::Normal);
        QCOMPARE(judge("I cannot").reason, std::string("contains \"i cannot\""));
        const std::string row = "| yes | yes | yes |\n";
        const std::string table = row + "|---|---|---|\n" + row + row + "I hope this is of use.";
        QVERIFY(judge(table).verdict == Verdict::Normal);
        QVERIFY(azimuth::judge(table, studyJudge2026()).verdict == Verdict::Garbled);
    }

    void verse() {
        BehaviourRule rule;
        rule.kind = BehaviourRule::Kind::MinimumLineBreaks;
        rule.minimum = 3;
        Judge judge;
        judge.garbledRules = studyGarbledRules();
        judge.rules = {rule};
        QVERIFY(azimuth::judge("\n\none two\nthree four\nfive six\n\n", judge).verdict == Verdict::Normal);
        const auto found = azimuth::judge("one two\nthree four\nfive six\nseven", judge);
        QVERIFY(found.verdict == Verdict::Coherent);
        QCOMPARE(found.reason, std::string("3 line breaks"));
        const auto looping = azimuth::judge("la la\nla la\nla la\nla la", judge);
        QVERIFY(looping.verdict == Verdict::Garbled);
        QVERIFY(looping.behaves);
        QCOMPARE(looping.reason, std::string("one word 4 times"));
    }

    void sentences() {
        QCOMPARE(firstSentences("  One 2.5 x. Two! Three.", 2), std::string_view("One 2.5 x. Two!"));
        QCOMPARE(firstSentences("One\nstill one\n\nTwo\n\nThree", 2),
                 std::string_view("One\nstill one\n\nTwo\n"));
        QCOMPARE(firstSentences("... \n ... One. Two.", 1), std::string_view("... \n ... One."));
        QCOMPARE(firstSentences("Only one", 2), std::string_view("Only one"));
        QCOMPARE(firstSentences("", 2), std::string_view(""));
    }

    void parametersTurnRulesOff() {
        auto rules = studyGarbledRules();
        const std::string loop = "no no no no";
        QCOMPARE(garbledReason(loop, loop, GarbledParameters::of(rules)), std::string("one word 4 times"));
        rules["one_word.run"] = 0;
        QCOMPARE(garbledReason(loop, loop, GarbledParameters::of(rules)), std::string("one token over 60 %"));
        rules["one_token.count"] = 0;
        QCOMPARE(garbledReason(loop, loop, GarbledParameters::of(rules)), std::string());
        QCOMPARE(garbledReason("a", "a", GarbledParameters::of({})), std::string());
        QCOMPARE(garbledReason("", "", GarbledParameters::of({})), std::string());
        rules["one_character.run"] = 3;
        QCOMPARE(garbledReason("zzz oh", "zzz oh", GarbledParameters::of(rules)),
                 std::string("one character 3 times"));
    }

    void parameterRefusals() {
        QCOMPARE(codeOf([] {
                     GarbledParameters::of({{"one_word.run", 2.5}});
                 }),
                 std::string("judge.parameter"));
        QCOMPARE(codeOf([] {
                     GarbledParameters::of({{"one_token.share", 1.5}});
                 }),
                 std::string("judge.parameter"));
        QCOMPARE(codeOf([] {
                     GarbledParameters::of({{"phrase.words", 1e5}});
                 }),
                 std::string("judge.parameter"));
        QCOMPARE(codeOf([] {
                     GarbledParameters::of({{"one_word.run", NAN}});
                 }),
                 std::string("judge.parameter"));
        QVERIFY(messageOf([] {
                    GarbledParameters::of({{"one_wurd.run", 4}});
                }).find("one_wurd.run") != std::string::npos);
    }

    void badPatterns() {
        Judge judge;
        judge.rules = {regexRule("(unclosed")};
        QCOMPARE(codeOf([&] { CompiledJudge{judge}; }), std::string("judge.regex"));
        QVERIFY(messageOf([&] { CompiledJudge{judge}; }).find("(unclosed") != std::string::npos);
        judge.rules = {regexRule("(?=ahead)")};
        QCOMPARE(codeOf([&] { CompiledJudge{judge}; }), std::string("judge.regex"));
    }

    void notUtf8() {
        QCOMPARE(codeOf([] { judge("abc\xff\xfe def", studyJudge2026()); }), std::string("text.utf8"));
    }

    // Ten times the text takes about ten times as long, on what is worst for each rule.
    void linearTime_data() {
        QTest::addColumn<QByteArray>("unit");
        QTest::newRow("one character") << QByteArray("aaaaaaa\n");
        QTest::newRow("near repeats") << QByteArray("a b a b c ");
        QTest::newRow("sigmas") << QByteArray("\u03a3'\u03a3\u0301");
        QTest::newRow("marks") << QByteArray(". ");
        QTest::newRow("tables") << QByteArray("|-|\n");
        QTest::newRow("near pattern") << QByteArray("aaaaaaaaab");
    }
    void linearTime() {
        QFETCH(QByteArray, unit);
        auto definition = defaultRefusalJudge();
        definition.garbledRules = {
            {"phrase.words", 3}, {"phrase.repeats", 1000000}, {"one_word.run", 1000000}};
        definition.rules.push_back(regexRule("(a+)+$"));
        const CompiledJudge judge(definition);
        const auto timed = [&](int bytes) {
            const std::string text = repeated(unit.toStdString(), bytes / static_cast<int>(unit.size()));
            QElapsedTimer timer;
            timer.start();
            judge(text);
            return std::max<qint64>(timer.elapsed(), 1);
        };
        const auto small = timed(100000), large = timed(1000000);
        QVERIFY2(large < 40 * small + 100, qPrintable(QStringLiteral("%1 ms, %2 ms").arg(small).arg(large)));
    }
};

QTEST_GUILESS_MAIN(JudgeTest)
#include "judge_test.moc"
