#include "tests/core/project/sample.h"

#include "core/study/keys.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace azimuth::sample {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

PromptSet set(PromptRole role, int count) {
    PromptSet set;
    set.role = role;
    set.source = "written for this test: " + toString(role);
    set.licence = "CC0-1.0";
    for (int i = 0; i < count; ++i)
        set.prompts.push_back(
            Prompt::of(toString(role) + " prompt " + std::to_string(i), i % 2 ? "odd" : ""));
    return set;
}

Model model(const std::string& name, Precision precision) {
    Model model;
    model.name = name;
    model.family = "llama";
    model.blocks = 30;
    model.width = 576;
    model.vocabulary = 49152;
    model.parameters = 134515008;
    model.storage = "dequantised Q4_1";
    model.compute = precision;
    model.hasTemplate = precision == Precision::Fp32;
    model.contextLength = 8192;
    model.fileBytes = (std::uint64_t{1} << 60) + 1; // does not fit a double
    model.memoryBytes = 538060032;
    model.weightsSha256 = {hexOf(name + " part 1"), hexOf(name + " part 2")};
    model.configSha256 = hexOf("config");
    model.tokenizerSha256 = hexOf("tokenizer");
    model.templateSha256 = model.hasTemplate ? hexOf("template") : "";
    model.fileName = "SmolLM2-135M-Instruct-Q4_1.gguf";
    model.identity = modelIdentity(model);
    return model;
}

DirectionBank bank(const Model& model, int positions, std::int64_t ks, std::int64_t width, unsigned seed) {
    DirectionBank bank;
    bank.key = hexOf("bank " + std::to_string(seed));
    bank.modelIdentity = model.identity;
    bank.conceptName = "verse";
    for (int p = 0; p < positions; ++p) {
        bank.positions.push_back(p - positions);
        bank.positionTokens.push_back(p ? "<|im_start|>" : "\n");
    }
    bank.ks = ks;
    bank.width = width;
    bank.positiveCount = 12;
    bank.negativeCount = 11;
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<double> raw, median;
    for (std::int64_t i = 0; i < positions * ks; ++i) {
        raw.push_back(normal(random) * 1e-3);
        median.push_back(normal(random) * 1e3);
    }
    raw[0] = std::nan("");
    median[1] = infinity;
    std::vector<float> values(static_cast<std::size_t>(positions * ks * width));
    for (auto& value : values)
        value = normal(random);
    values[3] = -0.0f;
    values[4] = std::numeric_limits<float>::denorm_min();
    values[5] = std::numeric_limits<float>::quiet_NaN();
    bank.rawNorm = Array<double>({positions, ks}, raw);
    bank.medianNorm = Array<double>({positions, ks}, median);
    bank.tensor = ArrayF({positions, ks, width}, values);
    bank.jobId = hexOf("job 1");
    return bank;
}

std::vector<Arm> arms(unsigned format) {
    Arm control{"control", {}};
    Arm steered{"verse k=12 α=3", {}};
    steered.interventions.push_back({Operation::Add, hexOf("direction"), 3.25, 12, 12, TokenScope::All});
    steered.interventions.push_back({Operation::Ablate, hexOf("other"), 0, 0, 30, TokenScope::Generated});
    Arm last{"affine",
             {{Operation::Affine, hexOf("direction"), -1e-300, 1, 2, TokenScope::LastPromptTokenOn}}};
    if (format < 2)
        return {control, steered, last};
    Arm inside{"inside", {}};
    for (const auto site : {Site::MlpOut, Site::Resid, Site::AttnOut, Site::ResidMid})
        inside.interventions.push_back({Operation::Ablate, hexOf("other"), 0, 0, 29, TokenScope::All, site});
    return {control, steered, last, inside};
}

std::vector<Score> scores(const std::string& model) {
    Score several;
    several.key = digestOf("score 1");
    several.modelIdentity = model;
    several.promptId = hexOf("prompt");
    several.continuationDigest = Continuation{"Sure", false, {}}.digest();
    several.armDigest = arms(2)[1].digest();
    several.referenceDigest = arms(2)[0].digest();
    several.ids = {49151, 0, 7};
    several.logProbabilities = {-1e-300, -0.0, -745.25};
    several.sum = -745.25;
    several.kl = {0.0, -1e-17, infinity};
    several.promptTokens = 31;
    several.jobId = hexOf("job 1");
    Score one;
    one.key = digestOf("score 2");
    one.modelIdentity = model;
    one.promptId = hexOf("prompt");
    one.continuationDigest = Continuation{"", false, {9}}.digest();
    one.armDigest = arms(2)[0].digest();
    one.ids = {9};
    one.logProbabilities = {std::nan("")};
    return {several, one};
}

std::string oddText(std::size_t i) {
    switch (i % 5) {
    case 0:
        return "";
    case 1:
        return "Grüße 🙂 — 詩\nsecond line\ttab";
    case 2:
        return std::string("zero \0 inside", 13);
    case 3:
        return std::string(20000, 'x') + "é";
    default:
        return "completion " + std::to_string(i);
    }
}

Rate rate(int seed) { return {seed, 40 + seed, seed / 40.0, seed / 50.0, seed / 30.0}; }

std::vector<TransferCell> cells() {
    TransferCell measured;
    measured.source = "SmolLM2 fp32";
    measured.target = "SmolLM2 bf16";
    measured.conceptName = "verse";
    measured.kind = CellKind::PrecisionTransfer;
    measured.k = 12;
    measured.alpha = 7.5;
    measured.foreign = rate(1);
    measured.own = rate(2);
    measured.control = rate(3);
    measured.foreignGarbled = rate(4);
    measured.ownGarbled = rate(5);
    measured.controlGarbled = rate(6);
    double value = 0.01;
    for (auto field : {&TransferCell::te, &TransferCell::excessTe, &TransferCell::excess,
                       &TransferCell::excessLow, &TransferCell::excessHigh, &TransferCell::difference,
                       &TransferCell::differenceLow, &TransferCell::differenceHigh, &TransferCell::cosine,
                       &TransferCell::sourceRawNorm, &TransferCell::targetRawNorm})
        measured.*field = (value *= -1.7);
    measured.excessTeLow = measured.excessTeHigh = std::nan("");
    TransferCell missing;
    missing.source = "SmolLM2 fp32";
    missing.target = "a model the study has no more";
    missing.conceptName = "refusal";
    missing.notMeasured =
        NotMeasured{NotMeasured::Kind::Cannot, "576 ≠ 640", "The widths differ: 576 and 640."};
    missing.cosine = std::nan("");
    return {measured, missing};
}

Calibration calibration(const std::string& bankKey, bool chosen) {
    Calibration value;
    value.modelIdentity = hexOf("model");
    value.conceptName = "verse";
    value.judgeDigest = hexOf("judge");
    value.bankKey = bankKey;
    value.rule = chosen ? CalibrationRule::Default : CalibrationRule::Study2026;
    value.status = chosen ? CalibrationStatus::Chosen : CalibrationStatus::NothingSteers;
    value.reason = "k = 12 at 1.5 × raw norm: 90 % coherent, 0 % garbled.";
    value.controlN = 20;
    value.controlCoherent = 1;
    value.controlGarbled = 2;
    for (int i = 0; chosen && i < 4; ++i)
        value.points.push_back({10 + i, 0.5 * i, 1.5 * i, i == 3 ? std::nan("") : 0.25 * i, 20, 18, 1, 1});
    if (chosen)
        value.chosen = 2;
    value.inputDigest = hexOf("inputs");
    value.created = "2026-03-14T09:26:53Z";
    value.id = hexOf(chosen ? "calibration 1" : "calibration 2");
    return value;
}

} // namespace

Digest digestOf(const std::string& text) { return sha256(text); }
std::string hexOf(const std::string& text) { return toHex(sha256(text)); }

Study study(unsigned format) {
    Study study;
    study.title = "Verse on two precisions — Grüße " + std::string(300, 'T');
    study.description = "For tests.";
    study.models = {
        {"SmolLM2 fp32", "SmolLM2-135M-Instruct-Q4_1.gguf", hexOf("weights"), Precision::Fp32, true},
        {"SmolLM2 bf16", "HuggingFaceTB/SmolLM2-135M-Instruct@main", {}, Precision::Bf16, false}};
    Concept value;
    value.name = "verse";
    value.description = "Answers in verse";
    int count = 2;
    for (const auto& name : promptRoleNames()) {
        const auto role = *promptRoleFromString(name);
        value.sets.emplace(role, set(role, count++));
    }
    value.induce = studyJudge2026();
    study.concepts = {value};
    study.rendering.variables = {{"enable_thinking", false}, {"date_string", "26 Jul 2024"}};
    study.sweep.ks = {6, 12, 18};
    study.sweep.strengths = {0.5, 1, 1.5};
    study.decoding.maximumNewTokens = 24;
    study.decoding.temperature = 0.7;
    study.decoding.seed = 0xFFFFFFFFFFFFFFFFull;
    if (format >= 2)
        study.scores = {{"first", "verse", PromptRole::Neutral, {{"Sure — 詩", true, {}}, {"", false, {1, 2}}}, true}};
    return study;
}

Study smallestStudy() {
    auto study = sample::study();
    study.models.resize(1);
    study.concepts[0].sets = {{PromptRole::Positive, set(PromptRole::Positive, 1)},
                              {PromptRole::Negative, set(PromptRole::Negative, 1)}};
    study.scores.clear();
    study.title = "";
    study.description = "";
    return study;
}

std::vector<Completion> completions(std::size_t count, std::size_t tokens, std::size_t characters) {
    std::mt19937 random(7);
    const std::vector<std::string> words{"the",   "moon", "is",    "a",     "stone", "of",
                                         "light", "and",  "water", "sings", "under"};
    std::vector<Completion> rows(count);
    for (std::size_t i = 0; i < count; ++i) {
        auto& row = rows[i];
        row.key = digestOf("completion " + std::to_string(i));
        row.modelIdentity = hexOf("model " + std::to_string(i % 2));
        row.promptId = hexOf("prompt " + std::to_string(i % 40));
        row.armDigest = hexOf("arm " + std::to_string(i / 40));
        for (std::size_t t = 0; t < tokens; ++t)
            row.ids.push_back(static_cast<std::int32_t>(random() % 49152));
        while (row.text.size() < characters)
            row.text += words[random() % words.size()] + (random() % 9 == 0 ? "\n" : " ");
        row.finish = i % 3 ? Finish::Length : Finish::Stop;
        row.logProbability = -static_cast<double>(random() % 1000) / 7;
        row.promptTokens = static_cast<std::int32_t>(20 + i % 50);
        row.jobId = hexOf("job " + std::to_string(i / 256));
    }
    return rows;
}

JobResult jobResult(unsigned format) {
    JobResult result;
    result.models = {model("SmolLM2 fp32", Precision::Fp32), model("SmolLM2 bf16", Precision::Bf16)};
    result.banks = {bank(result.models[0], 3, 31, 16, 1), bank(result.models[1], 1, 31, 16, 2)};
    result.banks[1].positionTokens.clear();
    result.banks[1].rawNorm = {};
    result.arms = arms(format);
    result.completions = completions(12, 5, 30);
    for (std::size_t i = 0; i < result.completions.size(); ++i) {
        auto& row = result.completions[i];
        row.text = oddText(i);
        row.modelIdentity = result.models[0].identity;
        row.armDigest = result.arms[i % 3].digest();
        row.promptId = study().concepts[0].sets.at(PromptRole::Calibration).prompts[i % 2].id;
    }
    result.completions[3].ids.clear();
    result.completions[4].ids = {-1, 0, 2147483647};
    result.completions[5].logProbability = std::nan("");
    result.completions[6].logProbability = -infinity;
    result.completions[7].jobId = "";
    if (format >= 2)
        result.scores = scores(result.models[0].identity);
    result.job = {hexOf("job 1"),
                  "generate",
                  JobState::Done,
                  result.models[0].identity,
                  "2026-03-14T09:26:53Z",
                  "2026-03-14T09:27:00Z",
                  7.25,
                  12,
                  "{\"torch\":\"2.11.0\"}",
                  ""};
    return result;
}

ProjectView fullView(unsigned format) {
    const auto result = jobResult(format);
    ProjectView view;
    view.uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";
    view.generation = 1;
    view.created = "2026-03-14T09:26:53Z";
    view.saved = view.created;
    view.study = std::make_shared<const Study>(study(format));
    view.title = view.study->title;
    view.modelIdentities = {result.models[0].identity, ""};
    for (const auto& model : result.models)
        view.models.push_back(std::make_shared<const Model>(model));
    for (const auto& bank : result.banks)
        view.banks.push_back(std::make_shared<const DirectionBank>(bank));
    for (const auto& arm : result.arms)
        view.arms.push_back(std::make_shared<const Arm>(arm));
    view.completions = std::make_shared<const CompletionTable>(CompletionTable().with(result.completions));
    for (const auto& row : result.scores)
        view.scores.push_back(std::make_shared<const Score>(row));
    Label rule{result.completions[0].key, hexOf("judge"), Label::Source::Rule, Verdict::Garbled, true,
               "one word 4 times",        "rule",         1770000000.125};
    Label human{
        result.completions[1].key, "", Label::Source::Human, Verdict::Coherent, false, "", "Ana Ž.", 0};
    Label imported{result.completions[1].key,
                   hexOf("judge"),
                   Label::Source::Import,
                   Verdict::Normal,
                   false,
                   "",
                   "x",
                   std::nan("")};
    for (const auto& label : {rule, human, imported})
        view.labels.push_back(std::make_shared<const Label>(label));
    if (format >= 3) {
        human.time = 1770000100.5;
        human.retracted = true;
        view.labels.push_back(std::make_shared<const Label>(human));
        for (const auto& note : {Note{NoteSubject::Project, "", "wächst 🙂", "Ana Ž.", 1770000200.25},
                                 Note{NoteSubject::Figure, "Figure 1", "", "", 0}})
            view.notes.push_back(std::make_shared<const Note>(note));
        view.logSequence = 7;
    }
    view.calibrations = {std::make_shared<const Calibration>(calibration(result.banks[0].key, true)),
                         std::make_shared<const Calibration>(calibration(result.banks[0].key, false))};
    view.transfer = cells();
    view.figures = {{"Figure 1", "layer-map", "{\"range\":[0,1]}"}, {"", "", ""}};
    view.jobs = {
        result.job,
        {hexOf("job 2"), "inspect", JobState::Failed, "", "", "", 0, 0, "", "engine.memory: too large"}};
    view.jobs[1].seconds = infinity;
    view.provenance = {{"2026-03-14T09:26:53Z", "user", "create", "project", "{}"}};
    return view;
}

} // namespace azimuth::sample
