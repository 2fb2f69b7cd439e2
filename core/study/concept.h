// A Concept: two contrasting prompt sets, prompts to calibrate and to evaluate on, and the outcome's judge.
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"
#include "core/study/judge.h"
#include "core/study/prompt_set.h"

#include <map>
#include <string>

namespace azimuth {

struct Concept {
    std::string name; // unique in the study
    std::string description;
    std::map<PromptRole, PromptSet> sets; // positive and negative are there, disjoint
    Judge induce; // judge of the outcome "induce"

    const PromptSet* set(PromptRole role) const;
    friend bool operator==(const Concept&, const Concept&) = default;
};

Json toJson(const Concept& value);
Concept readConcept(JsonObject& object);

} // namespace azimuth
