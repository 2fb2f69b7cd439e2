// The nouns: JSON both ways, identities and keys against values computed by another implementation (Python's
// json and hashlib).
#include "core/base/error.h"
#include "core/study/keys.h"
#include "core/study/project_view.h"
#include "core/study/study.h"
#include "tests/core/checks.h"

#include <cmath>
#include <QtTest>

using namespace azimuth;

namespace {

std::string repeated(char c) { return std::string(64, c); }

Model knownModel() {
    Model model;
    model.weightsSha256 = {repeated('a')};
    model.configSha256 = repeated('b');
    model.tokenizerSha256 = repeated('c');
    model.templateSha256 = repeated('d');
    model.storage = "dequantised Q4_1";
    model.compute = Precision::Bf16;
    return model;
}

Arm knownArm() { return {"add", {{Operation::Add, repeated('e'), 52.5, 16, 16, TokenScope::All}}}; }

std::string demoPath(const char* name) { return std::string(AZIMUTH_SOURCE_DIR) + "/data/demo/" + name; }

Json changed(const std::function<void(Json&)>& change) {
    Json json = readJsonFile(demoPath("small.json"));
    change(json);
    return json;
}

} // namespace

class StudyTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void renderings() {
        const auto read = [](const char* text) {
            JsonReader reader(parseJson(text, "rendering"), "rendering");
            const Rendering rendering = readRendering(reader.root());
            reader.finish();
            return rendering;
        };
        const Rendering rendering =
            read(R"({"system":"Short.","variables":{"enable_thinking":false,"date":"2024-07-26"},
                     "assistant_prefix":"Sure","bos":"doubled"})");
        QCOMPARE(rendering.system, std::optional<std::string>("Short."));
        QCOMPARE(rendering.variables.at("enable_thinking"), Json(false));
        QCOMPARE(rendering.assistantPrefix, std::string("Sure"));
        QVERIFY(rendering.bos == BosPolicy::Doubled && !rendering.plain);
        QVERIFY(read(toJson(rendering).dump().c_str()) == rendering);
        QVERIFY(read("{}") == Rendering{});
        for (const auto& [text, words] : std::map<const char*, const char*>{
                 {R"({"plain":true,"system":"s"})", "no place for a system text"},
                 {R"({"variables":{"messages":[]}})", "\"messages\" is set by the prompt"},
                 {R"({"variables":{"date":20240726}})", "\"date\" is number"},
                 {R"({"variables":[]})", "expected an object"},
                 {R"({"bos":"twice"})", "/bos"},
                 {R"({"sistem":"s"})", "/sistem"}}) {
            const auto ours = checks::messageOf([&, text = text] { read(text); });
            QVERIFY2(ours.find(words) != std::string::npos, ours.c_str());
        }
    }

    void identitiesAndKeysAreThoseOfAnotherImplementation() {
        const auto identity = modelIdentity(knownModel());
        QCOMPARE(identity, std::string("b4571397802b16a05f7a8f5de01279211f5e7284bdc3abce12004ad2b0e5694f"));
        auto sharded = knownModel();
        QCOMPARE(weightsDigest(sharded), repeated('a'));
        sharded.weightsSha256.push_back(repeated('f'));
        QCOMPARE(weightsDigest(sharded),
                 std::string("eed59edb893a5b8c55a2a58e4261fe0cbb5be6ef0248a2132e867a7cd1ef0f64"));
        sharded.weightsSha256.clear();
        QCOMPARE(weightsDigest(sharded), std::string());
        QCOMPARE(knownArm().digest(),
                 std::string("415a6e5bd887acafc44c664ef59a788a96085214e0cd636a77c0a60e3e8d7dc9"));
        QCOMPARE(Arm{}.digest(),
                 std::string("4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"));
        const auto prompt = Prompt::of("Why is the sky blue?");
        QCOMPARE(prompt.id, std::string("09ea26793343ba6c850b0e7b499ff5d4fca39de5381cdec99a6375a7b4efbc64"));
        const auto key = completionKey(identity, Rendering{}, prompt.id, knownArm(), Decoding{});
        QCOMPARE(toHex(key), std::string("a949d41ce42a2b10cf225f43dfe5f24a60477039469e1fd59c2940eca6814545"));
        QCOMPARE(jobId("generate", {key}),
                 std::string("47f0c1bdbc7ee66d6444de8cc786477a51458882a8fb57feb8e7835554fef1d3"));
        const Continuation text{"Sure \u2014 \u8a69", true, {}}, given{"", false, {1, 2}};
        QCOMPARE(text.digest(), std::string("52d6c688c1db32f9ed2adcea1b550041b6f6ef763ab5005ce06f9d86b3fae184"));
        QCOMPARE(given.digest(), std::string("eff9df2013c08a13cdd7ffabfcf9514b6f6411e2a0b52c5948c7036d3d442253"));
        QCOMPARE(toHex(scoreKey(identity, Rendering{}, prompt.id, text, knownArm().digest(), Arm{}.digest())),
                 std::string("fd9a7f2d11b0dff36e2c541f4a5456b246b9b638843ea8b6632086e04d2e92bb"));
        QCOMPARE(toHex(scoreKey(identity, Rendering{}, prompt.id, given, knownArm().digest(), "")),
                 std::string("70ede1564d20996e7a119d571c39f256e88fb4bd3b2a2f8357576de0643db8e8"));
        const Arm inside{"x", {{Operation::Ablate, repeated('e'), 0, 3, 4, TokenScope::Generated, Site::MlpOut}}};
        QCOMPARE(inside.digest(), std::string("dd36327517e823065b7f82854dcda06ab8a3c1c2e6258790823ac68f28926eca"));
        PromptSet positive, negative;
        positive.prompts = {Prompt::of("a"), Prompt::of("b")};
        negative.prompts = {Prompt::of("b")};
        QCOMPARE(positive.digest(),
                 std::string("62af5c3cb8da3e4f25061e829ebeea5c7513c54949115b1acc225930a90154da"));
        QCOMPARE(toHex(bankKey(identity, Rendering{}, Method::Dim, positive, negative)),
                 std::string("306f28feaf767a2912b72ecd54c8b28fde7c71e6298817b62c50e8c6f2926096"));
    }

    void whatDoesNotDetermineAResultIsNotInItsKey() {
        Decoding wide;
        wide.rows = 128;
        Arm renamed = knownArm();
        renamed.name = "another name";
        const auto prompt = Prompt::of("x");
        QCOMPARE(completionKey("m", Rendering{}, prompt.id, renamed, wide),
                 completionKey("m", Rendering{}, prompt.id, knownArm(), Decoding{}));
        Decoding seeded;
        seeded.temperature = 1;
        seeded.seed = 7;
        QVERIFY(completionKey("m", Rendering{}, prompt.id, knownArm(), seeded) !=
                completionKey("m", Rendering{}, prompt.id, knownArm(), Decoding{}));
    }

    void aDirectionIsNormalisedInDoubleAndRoundedOnce() {
        DirectionBank bank;
        bank.positions = {-2, -1};
        bank.ks = 2;
        bank.width = 3;
        bank.tensor = ArrayF({2, 2, 3}, {0, 0, 0, 1, 0, 0, 0, 0, 0, 3, -4, 12});
        const auto direction = directionAt(bank, -1, 1);
        QCOMPARE(direction.digest,
                 std::string("b761d57c31fc0caedcd85d092cc73fc9b57d57b81d0c3cd4fccb2aec68e0c6ae"));
        QCOMPARE(direction.rawNorm, 13.0);
        QCOMPARE(checks::codeOf([&] { directionAt(bank, -1, 0); }), std::string("direction.zero"));
        QCOMPARE(checks::codeOf([&] { directionAt(bank, -3, 0); }), std::string("direction.position"));
        QCOMPARE(checks::codeOf([&] { directionAt(bank, -1, 2); }), std::string("direction.k"));
    }

    void aStudySurvivesItsOwnJson() {
        for (const char* name : {"study.json", "small.json"}) {
            const auto study = readStudyFile(demoPath(name));
            const auto again = readStudy(toJson(study), "again");
            QCOMPARE(canonicalJson(toJson(again)), canonicalJson(toJson(study)));
            QCOMPARE(study.models.size(), std::size_t{3});
            QVERIFY(!study.models[2].calibrate);
        }
    }

    void scoresAreDeclaredPerConceptAndRole() {
        const auto entry = [](const char* concept_, const char* role) {
            return parseJson(R"({"name":"first words","concept":")" + std::string(concept_) + R"(","role":")" + role +
                                 R"(","kl":true,"continuations":[{"text":"Roses","first":true},{"ids":[5,6]}]})",
                             "entry");
        };
        const auto name = readStudyFile(demoPath("small.json")).concepts[0].name;
        const auto with = [&](const Json& one) {
            return changed([&](Json& json) { json["scores"] = Json::array({one}); });
        };
        const auto study = readStudy(with(entry(name.c_str(), "test-induce")), "scores.json");
        QCOMPARE(study.scores.size(), std::size_t{1});
        QVERIFY(study.scores[0].kl && study.scores[0].role == PromptRole::TestInduce);
        QVERIFY(study.scores[0].continuations[0] == (Continuation{"Roses", true, {}}));
        QVERIFY(readStudy(toJson(study), "again").scores == study.scores);
        QVERIFY(!toJson(readStudyFile(demoPath("small.json"))).contains("scores"));
        const auto codeOf = [&](const Json& one) { return checks::codeOf([&] { readStudy(with(one), "bad.json"); }); };
        QCOMPARE(codeOf(entry("nothing", "test-induce")), std::string("json.content"));
        QCOMPARE(codeOf(entry(name.c_str(), "neutral")), std::string("json.content"));
        auto twice = entry(name.c_str(), "test-induce");
        twice["continuations"][1] = twice["continuations"][0];
        QCOMPARE(codeOf(twice), std::string("json.content"));
        twice["continuations"] = Json::array();
        QCOMPARE(codeOf(twice), std::string("json.content"));
    }

    void everyFindingOfAStudyIsReportedAtOnce() {
        try {
            readStudy(changed([](Json& json) {
                          json["models"][0].erase("find");
                          json["models"][1]["precision"] = "fp8";
                          json["sweep"]["strengths"] = {0.5, -1};
                          json["colour"] = "blue";
                      }),
                      "bad.json");
            QFAIL("accepted");
        } catch (const Error& error) {
            QCOMPARE(error.code(), std::string("json.content"));
            for (const char* finding : {"/models/0/find: missing", "/models/1/precision", "fp8",
                                        "strengths above 0", "/colour: this key is not known"})
                QVERIFY2(error.detail().find(finding) != std::string::npos, finding);
        }
    }

    void calibrationPromptsAreNotEvaluated() {
        const auto json = changed([](Json& study) {
            auto& prompts = study["concepts"][0]["prompts"];
            prompts["test-induce"]["prompts"].push_back(prompts["calibration"]["prompts"][0]);
        });
        QCOMPARE(checks::codeOf([&] { readStudy(json, "bad.json"); }), std::string("json.content"));
    }

    void studiesOfOtherKindsAndNewerOnesAreRefused() {
        const auto refusal = [](const char* key, const char* inner, const Json& value) {
            return checks::codeOf([&] {
                readStudy(changed([&](Json& json) { (*inner ? json[key][inner] : json[key]) = value; }), "x");
            });
        };
        QCOMPARE(refusal("azimuth", "", "job"), std::string("json.kind"));
        QCOMPARE(refusal("version", "", 2), std::string("json.version"));
        QCOMPARE(refusal("decoding", "seed", "5"), std::string("json.content"));
    }

    void aGridGivesItsKsForEveryDepth() {
        SweepGrid grid;
        grid.depths = {0.5, 0.25, 0.5, 1};
        QCOMPARE(grid.ksFor(30), (std::vector<std::int64_t>{8, 15, 30}));
        grid.depths.clear();
        grid.ks = {20, 4, 31};
        QCOMPARE(grid.ksFor(30), (std::vector<std::int64_t>{4, 20}));
    }

    void judgesHaveADigestOfTheirRules() {
        auto judge = studyJudge2026();
        const auto digest = judge.digest();
        judge.name = "another";
        QCOMPARE(judge.digest(), digest);
        judge.garbledRules["one_word.run"] = 5;
        QVERIFY(judge.digest() != digest);
        JsonReader reader(Json{{"judge", {{"name", "study-2026"}}}}, "x");
        reader.root().object("judge",
                             [&](JsonObject& object) { QCOMPARE(readJudge(object).digest(), digest); });
        reader.finish();
    }

    void calibrationsAndCellsKeepMissingNumbers() {
        TransferCell cell;
        cell.source = "a";
        cell.target = "b";
        cell.cosine = std::nan("");
        cell.notMeasured = NotMeasured{NotMeasured::Kind::Cannot, "576 \u2260 640", "Widths differ."};
        JsonReader reader(Json{{"cell", toJson(cell)}}, "x");
        reader.root().object("cell", [&](JsonObject& object) {
            const auto again = readTransferCell(object);
            QVERIFY(std::isnan(again.cosine));
            QCOMPARE(again.notMeasured->shortReason, cell.notMeasured->shortReason);
            QCOMPARE(canonicalJson(toJson(again)), canonicalJson(toJson(cell)));
        });
        reader.finish();
        Calibration calibration;
        calibration.points = {{16, 0.8, 38.2, 1.1, 12, 11, 0, 1}};
        calibration.chosen = 0;
        calibration.status = CalibrationStatus::Chosen;
        JsonReader second(Json{{"it", toJson(calibration)}}, "x");
        second.root().object(
            "it", [&](JsonObject& object) { QCOMPARE(readCalibration(object).choice()->alpha, 38.2); });
        second.finish();
    }

    void mergingCompletionsKeepsTheFirst() {
        Completion row;
        row.key = sha256("1");
        row.text = "first";
        const auto table = CompletionTable().with({row});
        row.text = "second";
        Completion other;
        other.key = sha256("2");
        const auto merged = table.with({row, other, other});
        QCOMPARE(merged.size(), std::size_t{2});
        QCOMPARE(merged.row(0).text, std::string("first"));
        QCOMPARE(table.size(), std::size_t{1});
        QVERIFY(merged.contains(other.key));
    }
};

QTEST_GUILESS_MAIN(StudyTest)
#include "study_test.moc"
