#include "tests/app/workbench/sample_view.h"

#include "core/judge/judgement.h"
#include "core/results/calibrate.h"
#include "core/results/rates.h"
#include "core/results/sweep.h"
#include "core/results/transfer_plan.h"
#include "core/study/keys.h"

#include <cmath>
#include <random>

namespace azimuth::sample {
namespace {

const char* const verse[] = {
    "A quiet bell above the bay,\nit counts the hours of the day,\nand when the fog comes rolling in\nthe "
    "boats "
    "turn home, their lights grown thin.",
    "The kettle hums a morning song,\nthe window glows, the light is long,\nand every cup upon the "
    "shelf\nkeeps "
    "half a story to itself.",
    "Bees above the clover field,\nsmall and golden, never still,\ncarry summer home in drops,\nover hedge "
    "and "
    "over hill.",
};
const char* const prose[] = {
    "There are several reasons for this. The most important one is that light is scattered by the air, and "
    "short wavelengths are scattered more than long ones.",
    "You can start by making a list of what you need. Then compare prices, ask for advice where you are not "
    "sure, and keep the receipts.",
    "The process takes about two weeks. First the form is checked, then an officer calls you, and at the end "
    "you receive a letter with the decision.",
};
const char* const garbled[] = {
    "the the the the the the the the the the the the the the the the",
    "and the sea the sea the sea the sea the sea the sea the sea the sea",
    "oh oh oh oh oh oh oh oh oh oh oh oh oh oh oh",
};

class Maker {
public:
    Maker() : study(readStudyFile(AZIMUTH_SOURCE_DIR "/data/demo/study.json")) {}

    void findModels() {
        const struct {
            std::int64_t blocks, width, vocabulary, parameters;
            const char *family, *storage, *file;
            Precision compute;
        } facts[] = {
            {30, 576, 49152, 134515008, "llama", "dequantised Q4_1", "smollm2.gguf", Precision::Fp32},
            {30, 576, 49152, 134515008, "llama", "dequantised Q4_1", "smollm2.gguf", Precision::Bf16},
            {18, 640, 262144, 268098176, "gemma3", "dequantised Q4_K", "gemma.gguf", Precision::Fp32}};
        for (std::size_t i = 0; i < study.models.size() && i < std::size(facts); ++i) {
            const auto& fact = facts[i];
            Model model;
            model.name = study.models[i].name;
            model.family = fact.family;
            model.blocks = fact.blocks;
            model.width = fact.width;
            model.vocabulary = fact.vocabulary;
            model.parameters = fact.parameters;
            model.storage = fact.storage;
            model.fileName = fact.file;
            model.compute = fact.compute;
            model.hasTemplate = i < 2;
            model.contextLength = 8192;
            model.memoryBytes = static_cast<std::uint64_t>(fact.parameters) * (i == 1 ? 2 : 4);
            model.weightsSha256 = {toHex(sha256(std::string_view(fact.file)))};
            model.identity = modelIdentity(model);
            models.push_back(model);
        }
    }

    void extract() {
        for (const auto& model : models)
            banks.push_back(bankOf(model));
    }

    DirectionBank bankOf(const Model& model) const {
        DirectionBank bank;
        const auto& of = study.concepts.front();
        bank.key = toHex(bankKey(model.identity, study.rendering, Method::Dim, *of.set(PromptRole::Positive),
                                 *of.set(PromptRole::Negative)));
        bank.modelIdentity = model.identity;
        bank.conceptName = of.name;
        bank.positions =
            model.hasTemplate ? std::vector<std::int32_t>{-5, -4, -3, -2, -1} : std::vector<std::int32_t>{-1};
        bank.positionTokens = model.hasTemplate ? std::vector<std::string>{"<|im_end|>", "\n", "<|im_start|>",
                                                                           "assistant", "\n"}
                                                : std::vector<std::string>{""};
        bank.ks = model.blocks + 1;
        bank.width = model.width;
        bank.positiveCount = static_cast<std::int64_t>(of.set(PromptRole::Positive)->prompts.size());
        bank.negativeCount = static_cast<std::int64_t>(of.set(PromptRole::Negative)->prompts.size());
        bank.jobId = toHex(sha256("extract " + model.name));
        fill(bank);
        return bank;
    }

    void put(const Model& model, PromptRole role, const Arm& arm, double coherent, double broken) {
        const auto& prompts = study.concepts.front().set(role)->prompts;
        for (std::size_t i = 0; i < prompts.size(); ++i) {
            const double at =
                (static_cast<double>(i * 7 % prompts.size()) + 0.5) / static_cast<double>(prompts.size());
            Completion row;
            row.modelIdentity = model.identity;
            row.promptId = prompts[i].id;
            row.armDigest = arm.digest();
            row.key = completionKey(model.identity, study.rendering, row.promptId, arm, study.decoding);
            row.text = at < coherent ? verse[i % 3] : at < coherent + broken ? garbled[i % 3] : prose[i % 3];
            for (std::size_t token = 0; token < 24 + i % 9; ++token)
                row.ids.push_back(
                    static_cast<std::int32_t>((i * 131 + token * 17 + row.text.size()) % 49000));
            row.finish = i % 3 ? Finish::Length : Finish::Stop;
            row.logProbability = -0.8 * static_cast<double>(row.ids.size());
            row.jobId = toHex(sha256("generate " + model.name + arm.digest()));
            completions.push_back(row);
        }
        arms.push_back(arm);
    }

    // Coherent rises to a peak near k 16 and 1.0 x raw norm, garbled beyond it.
    void sweep(const Model& model, const DirectionBank& bank, std::size_t settings) {
        put(model, PromptRole::Calibration, controlArm(), 0.02, 0);
        for (const auto& setting : sweepSettings(model, bank, study.sweep)) {
            if (settings-- == 0)
                return;
            const double away = (static_cast<double>(setting.k) - 16) / 4;
            const double steer = 1 / (1 + std::exp(-9 * (setting.gridStrength - 0.75 - 0.12 * away * away)));
            const double broken = 1 / (1 + std::exp(-8 * (setting.gridStrength - 1.35 + 0.1 * away * away)));
            put(model, PromptRole::Calibration, setting.arm, steer * (1 - broken), broken);
        }
    }

    void judgeAll() {
        labels.clear();
        for (auto& label : labelMissing(view(), 1773309000))
            labels.push_back(std::make_shared<const Label>(label));
    }

    void calibrateAll() {
        judgeAll();
        for (std::size_t i = 0; i < models.size(); ++i)
            if (study.models[i].calibrate)
                calibrations.push_back(std::make_shared<const Calibration>(
                    calibrate(view(), study, study.concepts.front(), models[i], "2026-03-12T09:41:00Z")));
    }

    void transfer() {
        for (const auto& run : transferRuns(view(), study, study.concepts.front()))
            for (const auto& model : models)
                if (model.identity == run.targetIdentity)
                    put(model, PromptRole::TestInduce, run.arm,
                        run.role == TransferRun::Role::Control ? 0.04 : 0.83,
                        run.role == TransferRun::Role::Control ? 0 : 0.04);
        judgeAll();
    }

    ProjectView view() const {
        ProjectView view;
        view.uuid = "7b4c8f12-54c0-4b6f-9d5e-0a6f6b0f6c11";
        view.title = "verse-demo";
        view.generation = 12;
        view.created = view.saved = "2026-03-12T09:41:00Z";
        view.study = std::make_shared<const Study>(study);
        for (const auto& model : models) {
            view.modelIdentities.push_back(model.identity);
            view.models.push_back(std::make_shared<const Model>(model));
            JobRecord job;
            job.id = toHex(sha256("extract " + model.name));
            job.kind = "extract";
            job.modelIdentity = model.identity;
            job.started = "2026-03-12T09:40:00Z";
            job.ended = "2026-03-12T09:40:41Z";
            job.seconds = 41;
            view.jobs.push_back(job);
        }
        view.modelIdentities.resize(study.models.size());
        for (const auto& bank : banks)
            view.banks.push_back(std::make_shared<const DirectionBank>(bank));
        for (const auto& arm : arms)
            if (!view.arm(arm.digest()))
                view.arms.push_back(std::make_shared<const Arm>(arm));
        view.completions = std::make_shared<const CompletionTable>(CompletionTable().with(completions));
        view.labels = labels;
        view.calibrations = calibrations;
        return view;
    }

    Study study;
    std::vector<Model> models;
    std::vector<DirectionBank> banks;
    std::vector<Arm> arms;
    std::vector<Completion> completions;
    std::vector<std::shared_ptr<const Label>> labels;
    std::vector<std::shared_ptr<const Calibration>> calibrations;

private:
    // A direction that drifts with k and settles in the middle blocks; nothing at R[0] of a template's end.
    static void fill(DirectionBank& bank) {
        std::mt19937 random(static_cast<unsigned>(bank.width));
        std::normal_distribution<double> gauss;
        const auto positions = static_cast<std::int64_t>(bank.positions.size());
        std::vector<float> tensor;
        std::vector<double> raw, median;
        std::vector<double> v(static_cast<std::size_t>(bank.width));
        for (auto& x : v)
            x = gauss(random);
        for (std::int64_t p = 0; p < positions; ++p)
            for (std::int64_t k = 0; k < bank.ks; ++k) {
                const double depth = static_cast<double>(k) / static_cast<double>(bank.ks - 1);
                const double step = depth < 0.3 ? 0.9 : depth < 0.85 ? 0.25 : 0.5;
                double norm = 0;
                for (auto& x : v) {
                    x += step * gauss(random);
                    norm += x * x;
                }
                norm = std::sqrt(norm);
                for (auto& x : v)
                    x *= std::sqrt(static_cast<double>(bank.width)) / norm;
                const double middle = 8 + 90 * depth * depth;
                const double size = k == 0 ? 0
                                           : middle * (0.1 + 0.45 * depth) *
                                                 (1 - 0.12 * static_cast<double>(positions - 1 - p));
                for (const auto x : v)
                    tensor.push_back(
                        static_cast<float>(x * size / std::sqrt(static_cast<double>(bank.width))));
                raw.push_back(size);
                median.push_back(middle);
            }
        bank.tensor = ArrayF({positions, bank.ks, bank.width}, std::move(tensor));
        bank.rawNorm = ArrayD({positions, bank.ks}, std::move(raw));
        bank.medianNorm = ArrayD({positions, bank.ks}, std::move(median));
    }
};

} // namespace

std::shared_ptr<const ProjectView> view(Stage stage) {
    Maker maker;
    if (stage >= Stage::Models)
        maker.findModels();
    if (stage >= Stage::Extracted)
        maker.extract();
    if (stage >= Stage::Sweeping)
        for (std::size_t i = 0; i < maker.models.size(); ++i)
            if (maker.study.models[i].calibrate && (stage > Stage::Sweeping || i == 0))
                maker.sweep(maker.models[i], maker.banks[i], stage > Stage::Sweeping ? 1000 : 12);
    if (stage == Stage::Sweeping)
        maker.judgeAll();
    if (stage >= Stage::Calibrated)
        maker.calibrateAll();
    if (stage >= Stage::Complete)
        maker.transfer();
    return std::make_shared<const ProjectView>(maker.view());
}

std::shared_ptr<const ProjectView> largeView(int prompts, int arms) {
    Maker maker;
    auto& set = maker.study.concepts.front().sets[PromptRole::TestInduce];
    set.prompts.clear();
    for (int i = 0; i < prompts; ++i)
        set.prompts.push_back(Prompt::of("Question " + std::to_string(i) + ": what happens next?"));
    maker.findModels();
    maker.extract();
    maker.sweep(maker.models[0], maker.banks[0], 1000);
    maker.judgeAll();
    maker.calibrations.push_back(std::make_shared<const Calibration>(
        calibrate(maker.view(), maker.study, maker.study.concepts.front(), maker.models[0], {})));
    const auto* choice = maker.calibrations.back()->choice();
    if (!choice)
        throw Error("sample.choice", "The sample's sweep has no choice: " + maker.calibrations.back()->reason,
                    "");
    const auto arm =
        sweepArm(maker.models[0], maker.banks[0], maker.study.sweep, choice->k, choice->gridStrength);
    maker.put(maker.models[0], PromptRole::TestInduce, controlArm(), 0.02, 0);
    maker.put(maker.models[0], PromptRole::TestInduce, arm, 0.8, 0.05);
    for (int i = 2; i < arms; ++i) { // a little stronger each
        auto other = arm;
        other.name += " " + std::to_string(i);
        for (auto& intervention : other.interventions)
            intervention.strength += i;
        maker.put(maker.models[0], PromptRole::TestInduce, other, 0.5, 0.1);
    }
    maker.judgeAll();
    return std::make_shared<const ProjectView>(maker.view());
}

} // namespace azimuth::sample
