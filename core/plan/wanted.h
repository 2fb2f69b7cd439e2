// The completions that a study wants of one model at one stage, in the stage's order; private to core/plan. A
// pair of concepts may want the same completion: it stands once, where it first comes.
#pragma once

#include "core/plan/plan.h"
#include "core/study/keys.h"

#include <map>
#include <unordered_map>

namespace azimuth {

struct WantedRow {
    Digest key{};
    const Prompt* prompt = nullptr; // of the view's study
    std::size_t arm = 0;            // into WantedRows::arms
};

struct DigestHash {
    std::size_t operator()(const Digest& digest) const;
};

struct WantedRows {
    std::vector<Arm> arms;
    std::map<std::string, Direction> directions; // of the arms, by digest
    std::vector<WantedRow> rows;
    std::unordered_map<Digest, std::size_t, DigestHash> index; // of a key in rows

    // Prompt by prompt, each under every arm, so that a batch shares its prompts' work.
    void add(const CompletionKeys& keys, const std::string& modelIdentity, const PromptSet& set,
             const std::vector<Arm>& armsOfSet);
};

// Adds the vectors that the arms name, looked up among the banks at the study's position. Error
// plan.direction.
void findDirections(std::map<std::string, Direction>& directions, const ProjectView& view,
                    const std::vector<Arm>& arms);

// Control and every setting of the grid on the calibration prompts of every concept. Error as sweepSettings.
void addSweep(WantedRows& wanted, const ProjectView& view, const CompletionKeys& keys, const Model& model,
              const Concept& conceptValue);
// Control, own and foreign arms on the evaluation prompts.
void addEvaluation(WantedRows& wanted, const ProjectView& view, const CompletionKeys& keys,
                   const Model& model, const Concept& conceptValue);

} // namespace azimuth
