// An edit of the residual stream, as data. For each edited R[k]: h += (alpha + beta <h, r>) r with the unit direction r.
//   add:    alpha = strength,  beta = 0
//   ablate: alpha = 0,         beta = -1
//   affine: alpha = strength,  beta = -1   (the component along r becomes strength)
// Sites: resid is R[k], k = 0..L, edited before block k reads it, R[L] before the final norm. The others are inside
// block k, k = 0..L-1: attn_out and mlp_out are edited as they are added (after a post-norm), resid_mid is the residual
// between the two; R[k] + attn_out + mlp_out = R[k + 1].
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

enum class Operation { Add, Ablate, Affine };
enum class TokenScope { All, Prompt, Generated, LastPromptTokenOn };
enum class Site { Resid, ResidMid, AttnOut, MlpOut };

std::string toString(Operation operation); // add, ablate, affine
std::string toString(TokenScope scope); // all, prompt, generated, last-prompt-token-on
std::string toString(Site site); // resid, resid_mid, attn_out, mlp_out
std::optional<Site> siteFromText(std::string_view text);
std::string knownSites(); // "resid, resid_mid, attn_out, mlp_out"

struct Intervention {
    Operation operation = Operation::Add;
    std::string direction; // digest of the unit direction, 64 hex digits
    double strength = 0; // alpha; 0 and unused with ablate
    std::int64_t kFrom = 0, kTo = 0; // inclusive, 0..L; of sites inside a block 0..L-1
    TokenScope scope = TokenScope::All;
    Site site = Site::Resid;

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
