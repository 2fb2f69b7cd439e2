#include "core/protocol/prompt_lines.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/base/text.h"

namespace azimuth {

namespace {
constexpr std::uint64_t largestFile = std::uint64_t{1} << 30;

JobPrompt parseLine(std::string_view line, const std::string& origin) {
    if (!isValidUtf8(line))
        throw Error("text.utf8", origin + " is not valid UTF-8: " + forMessage(repairedUtf8(line), 40) + ".",
                    "Save the file as UTF-8.");
    JsonReader reader(parseJson(line, origin), origin);
    auto prompt = readJobPrompt(reader.root());
    reader.finish();
    return prompt;
}
} // namespace

std::vector<JobPrompt> parsePromptLines(std::string_view text, const std::string& origin) {
    std::vector<JobPrompt> prompts;
    std::size_t number = 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++number;
        if (line.find_first_not_of(" \t\r") != std::string_view::npos)
            prompts.push_back(parseLine(line, origin + " line " + std::to_string(number)));
    }
    if (prompts.empty())
        throw Error("prompts.empty", origin + " holds no prompt.",
                    "Give one object a line: {\"id\": \"a\", \"text\": \"...\"}.");
    return prompts;
}

std::vector<JobPrompt> readPromptLines(const std::string& path) {
    return parsePromptLines(readFile(path, largestFile), path);
}

} // namespace azimuth
