#include "core/base/json.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/base/units.h"

#include <set>

namespace azimuth {
namespace {

// Builds the value by hand, so that depth and duplicate keys are refused before anything recurses.
class StrictHandler : public nlohmann::json_sax<Json> {
public:
    StrictHandler(const std::string& origin, int maximumDepth)
        : m_origin(origin), m_maximumDepth(maximumDepth) {}

    Json take() { return std::move(m_root); }

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, const string_t&) override { return add(value); }
    bool string(string_t& value) override { return add(std::move(value)); }
    bool binary(binary_t&) override { return false; }

    bool start_object(std::size_t) override { return open(Json::object()); }
    bool start_array(std::size_t) override { return open(Json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        auto& frame = m_frames.back();
        if (frame.value.contains(name))
            throw Error("json.duplicate",
                        m_origin + ": the key " + path() + "/" + forMessage(name) + " stands twice.",
                        "Remove one of the two.");
        frame.key = std::move(name);
        return true;
    }

    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::detail::exception& failure) override {
        std::string text = failure.what();
        const auto end = text.rfind("; ");
        const auto begin = text.find("parse error");
        if (begin != std::string::npos)
            text = text.substr(begin);
        throw Error("json.syntax", m_origin + ": not valid JSON near byte " + std::to_string(position) + ".",
                    "Mend the file at this place.", end == std::string::npos ? text : forMessage(text, 400));
    }

private:
    struct Frame {
        Json value;
        std::string key;
    };

    std::string path() const {
        std::string text;
        for (const auto& frame : m_frames)
            if (&frame != &m_frames.back())
                text += "/" +
                        (frame.value.is_array() ? std::to_string(frame.value.size()) : forMessage(frame.key));
        return text;
    }

    bool add(Json value) {
        if (m_frames.empty()) {
            m_root = std::move(value);
            return true;
        }
        auto& frame = m_frames.back();
        if (frame.value.is_array())
            frame.value.push_back(std::move(value));
        else
            frame.value[frame.key] = std::move(value);
        return true;
    }

    bool open(Json value) {
        if (static_cast<int>(m_frames.size()) >= m_maximumDepth)
            throw Error("json.depth",
                        m_origin + ": nested deeper than " + std::to_string(m_maximumDepth) + " levels.",
                        "This is not a file Azimuth writes.");
        m_frames.push_back({std::move(value), {}});
        return true;
    }

    bool close() {
        Json value = std::move(m_frames.back().value);
        m_frames.pop_back();
        return add(std::move(value));
    }

    std::string m_origin;
    int m_maximumDepth;
    std::vector<Frame> m_frames;
    Json m_root;
};

} // namespace

Json parseJson(std::string_view text, const std::string& origin, const JsonLimits& limits) {
    if (text.size() > limits.maximumBytes)
        throw Error("json.size",
                    origin + " has " + bytesText(text.size()) + ", the limit is " +
                        bytesText(limits.maximumBytes) + ".",
                    "Give a smaller file.");
    if (!isValidUtf8(text))
        throw Error("json.utf8", origin + ": the text is not UTF-8.", "Save the file as UTF-8.");
    StrictHandler handler(origin, limits.maximumDepth);
    if (trimmedView(text).empty())
        throw Error("json.syntax", origin + " is empty.", "Give a file with one JSON value.");
    Json::sax_parse(text.begin(), text.end(), &handler, Json::input_format_t::json, true);
    return handler.take();
}

Json readJsonFile(const std::string& path, const JsonLimits& limits) {
    return parseJson(readFile(path, limits.maximumBytes), path, limits);
}

} // namespace azimuth
