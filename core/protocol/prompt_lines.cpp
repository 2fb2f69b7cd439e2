#include "core/protocol/prompt_lines.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/base/text.h"

#include <functional>
#include <set>

namespace azimuth {

namespace {
constexpr std::uint64_t largestFile = std::uint64_t{1} << 30;

// Reads each line that is not blank as one object.
void eachLine(std::string_view text, const std::string& origin,
              const std::function<void(JsonObject&)>& read) {
    std::size_t number = 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const auto place = origin + " line " + std::to_string(++number);
        if (line.find_first_not_of(" \t\r") == std::string_view::npos)
            continue;
        if (!isValidUtf8(line))
            throw Error("text.utf8",
                        place + " is not valid UTF-8: " + forMessage(repairedUtf8(line), 40) + ".",
                        "Save the file as UTF-8.");
        JsonReader reader(parseJson(line, place), place);
        read(reader.root());
        reader.finish();
    }
}
} // namespace

std::vector<JobPrompt> parsePromptLines(std::string_view text, const std::string& origin) {
    std::vector<JobPrompt> prompts;
    eachLine(text, origin, [&](JsonObject& object) { prompts.push_back(readJobPrompt(object)); });
    if (prompts.empty())
        throw Error("prompts.empty", origin + " holds no prompt.",
                    "Give one object a line: {\"id\": \"a\", \"text\": \"...\"}.");
    return prompts;
}

std::vector<ContinuationLine> parseContinuationLines(std::string_view text, const std::string& origin) {
    std::vector<ContinuationLine> lines;
    std::set<std::string> names;
    eachLine(text, origin, [&](JsonObject& object) {
        ContinuationLine line;
        line.continuation.id = object.text("id");
        line.continuation.content = readContinuation(object);
        line.prompt = object.text("prompt", "");
        if (line.continuation.id.empty() || !names.insert(line.continuation.id).second)
            object.fail("id", "\"" + forMessage(line.continuation.id, 60) + "\" is empty or stands twice");
        lines.push_back(std::move(line));
    });
    if (lines.empty())
        throw Error("continuations.empty", origin + " holds no continuation.",
                    "Give one object a line: {\"id\": \"yes\", \"text\": \"Yes\"}.");
    return lines;
}

std::vector<JobPrompt> readPromptLines(const std::string& path) {
    return parsePromptLines(readFile(path, largestFile), path);
}

std::vector<ContinuationLine> readContinuationLines(const std::string& path) {
    return parseContinuationLines(readFile(path, largestFile), path);
}

} // namespace azimuth
