// An edit of the residual stream, as data. For each edited R[k]: h += (alpha + beta <h, r>) r with the unit direction r.
//   add:    alpha = strength,  beta = 0
//   ablate: alpha = 0,         beta = -1
//   affine: alpha = strength,  beta = -1   (the component along r becomes strength)
// R[k] is edited before block k reads it, R[L] before the final norm.
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth {

enum class Operation { Add, Ablate, Affine };
enum class TokenScope { All, Prompt, Generated, LastPromptTokenOn };

std::string toString(Operation operation); // add, ablate, affine
std::string toString(TokenScope scope); // all, prompt, generated, last-prompt-token-on

struct Intervention {
    Operation operation = Operation::Add;
    std::string direction; // digest of the unit direction, 64 hex digits
    double strength = 0; // alpha; 0 and unused with ablate
    std::int64_t kFrom = 0, kTo = 0; // inclusive, 0..L
    TokenScope scope = TokenScope::All;

    friend bool operator==(const Intervention&, const Intervention&) = default;
};

struct Arm {
    std::string name;
    std::vector<Intervention> interventions; // empty: the control

    bool isControl() const { return interventions.empty(); }
    std::string digest() const; // SHA-256 of the canonical JSON of the interventions; the name does not count
    friend bool operator==(const Arm&, const Arm&) = default;
};

Json toJson(const Intervention& intervention);
Intervention readIntervention(JsonObject& object);
Json toJson(const Arm& arm);
Arm readArm(JsonObject& object);

} // namespace azimuth
