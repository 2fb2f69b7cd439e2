// Ordered prompts with a role, source and licence. The id of a prompt is the SHA-256 of its text, so equal texts are one prompt.
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

enum class PromptRole { Positive, Negative, Calibration, TestInduce, TestSuppress, Neutral, Capability };
std::string toString(PromptRole role); // positive, negative, calibration, test-induce, test-suppress, neutral, capability
std::optional<PromptRole> promptRoleFromString(std::string_view name);
const std::vector<std::string>& promptRoleNames();

struct Prompt {
    std::string id; // 64 hex digits, of text
    std::string text; // what the user says
    std::string category;

    static Prompt of(std::string text, std::string category = {});
    friend bool operator==(const Prompt&, const Prompt&) = default;
};

struct PromptSet {
    PromptRole role = PromptRole::Positive;
    std::string source, licence;
    std::vector<Prompt> prompts; // not empty, ids unique

    std::string digest() const; // SHA-256 of the ids in order
    friend bool operator==(const PromptSet&, const PromptSet&) = default;
};

Json toJson(const PromptSet& set);
PromptSet readPromptSet(PromptRole role, JsonObject& object);

} // namespace azimuth
