// A small project by hand: models of width 2 and 4 blocks, one concept, banks with round norms, and
// completions whose labels are given as letters.
#pragma once

#include "core/results/sweep.h"
#include "core/study/keys.h"
#include "core/study/project_view.h"

#include <string>
#include <vector>

namespace azimuth::example {

inline PromptSet promptSet(PromptRole role, int count) {
    PromptSet set;
    set.role = role;
    for (int i = 0; i < count; ++i)
        set.prompts.push_back(Prompt::of(toString(role) + " prompt " + std::to_string(i)));
    return set;
}

// Raw differences R[0..4]: (0,0) (3,4) (0,2) (6,8) (0,-1); raw norms 0 5 2 10 1; median norms 1 10 20 40 50.
inline DirectionBank bankOf(const Model& model, const std::string& conceptName) {
    DirectionBank bank;
    bank.key = toHex(sha256("bank of " + model.name));
    bank.modelIdentity = model.identity;
    bank.conceptName = conceptName;
    bank.positions = {-1};
    bank.ks = 5;
    bank.width = 2;
    bank.rawNorm = ArrayD({1, 5}, {0, 5, 2, 10, 1});
    bank.medianNorm = ArrayD({1, 5}, {1, 10, 20, 40, 50});
    bank.tensor = ArrayF({1, 5, 2}, {0, 0, 3, 4, 0, 2, 6, 8, 0, -1});
    return bank;
}

class Example {
public:
    Example(int calibrationPrompts, int evaluationPrompts) {
        study.title = "example";
        study.sweep.ks = {1, 2, 3};
        study.sweep.strengths = {0.4, 0.8, 1.2, 1.6};
        Concept value;
        value.name = "verse";
        value.induce = studyJudge2026();
        for (const auto role : {PromptRole::Positive, PromptRole::Negative})
            value.sets[role] = promptSet(role, 3);
        value.sets[PromptRole::Calibration] = promptSet(PromptRole::Calibration, calibrationPrompts);
        value.sets[PromptRole::TestInduce] = promptSet(PromptRole::TestInduce, evaluationPrompts);
        study.concepts.push_back(value);
    }

    Model& add(const std::string& name, const std::string& weights = "weights",
               Precision compute = Precision::Fp32) {
        ModelReference reference;
        reference.name = name;
        reference.find = name + ".gguf";
        reference.precision = compute;
        study.models.push_back(reference);
        Model model;
        model.name = name;
        model.family = "llama";
        model.blocks = 4;
        model.width = 2;
        model.weightsSha256 = {toHex(sha256(weights))};
        model.compute = compute;
        model.identity = modelIdentity(model);
        models.push_back(model);
        return models.back();
    }

    const Concept& verse() const { return study.concepts.front(); }

    // One completion per prompt of the role: c coherent, g garbled, b garbled but with the behaviour, n
    // normal, ? not judged, . not there.
    void put(const std::string& model, PromptRole role, const Arm& arm, const std::string& letters) {
        const auto& prompts = verse().set(role)->prompts;
        for (std::size_t i = 0; i < letters.size(); ++i) {
            if (letters[i] == '.')
                continue;
            Completion row;
            row.modelIdentity = find(model).identity;
            row.promptId = prompts.at(i).id;
            row.armDigest = arm.digest();
            row.key = completionKey(row.modelIdentity, study.rendering, row.promptId, arm, study.decoding);
            row.text = "text";
            completions.push_back(row);
            if (letters[i] != '?')
                label(row.key, letters[i]);
        }
        arms.push_back(arm);
    }

    void label(const Digest& key, char letter, Label::Source source = Label::Source::Rule) {
        Label value;
        value.completionKey = key;
        value.source = source;
        value.judgeDigest = source == Label::Source::Human ? std::string() : verse().induce.digest();
        value.verdict = letter == 'c'   ? Verdict::Coherent
                        : letter == 'n' ? Verdict::Normal
                                        : Verdict::Garbled;
        value.behaves = letter == 'c' || letter == 'b';
        labels.push_back(value);
    }

    ProjectView view() const {
        ProjectView view;
        view.study = std::make_shared<const Study>(study);
        for (const auto& model : models) {
            view.modelIdentities.push_back(model.identity);
            view.models.push_back(std::make_shared<const Model>(model));
        }
        for (const auto& bank : banks)
            view.banks.push_back(std::make_shared<const DirectionBank>(bank));
        for (const auto& arm : arms)
            view.arms.push_back(std::make_shared<const Arm>(arm));
        view.completions = std::make_shared<const CompletionTable>(CompletionTable().with(completions));
        for (const auto& label : labels)
            view.labels.push_back(std::make_shared<const Label>(label));
        for (const auto& calibration : calibrations)
            view.calibrations.push_back(std::make_shared<const Calibration>(calibration));
        return view;
    }

    Model& find(const std::string& name) {
        for (auto& model : models)
            if (model.name == name)
                return model;
        throw Error("example", "no model " + name, "");
    }

    Study study;
    std::vector<Model> models;
    std::vector<DirectionBank> banks;
    std::vector<Arm> arms;
    std::vector<Completion> completions;
    std::vector<Label> labels;
    std::vector<Calibration> calibrations;
};

// count of the letter, then the rest.
inline std::string letters(int count, char letter, int n, char rest = 'n') {
    return std::string(static_cast<std::size_t>(count), letter) +
           std::string(static_cast<std::size_t>(n - count), rest);
}

} // namespace azimuth::example
