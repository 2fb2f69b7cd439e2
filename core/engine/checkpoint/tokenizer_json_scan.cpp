#include "core/engine/checkpoint/tokenizer_json_scan.h"

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <limits>
#include <vector>

namespace azimuth {
namespace {

constexpr std::size_t maximumDepth = 64;
constexpr std::int64_t maximumId = std::numeric_limits<std::int32_t>::max();

class Handler : public nlohmann::json_sax<Json> {
public:
    Handler(const std::string& origin, const std::set<std::string>& wanted)
        : m_origin(origin), m_wanted(wanted) {}

    TokenizerJsonScan take() {
        for (auto& [text, id] : m_added)
            m_scan.ids[text] = id;
        return std::move(m_scan);
    }

    bool null() override { return value(); }
    bool boolean(bool) override { return value(); }
    bool number_integer(number_integer_t number) override { return id(number); }
    bool number_unsigned(number_unsigned_t number) override {
        return id(number > static_cast<number_unsigned_t>(maximumId) ? maximumId + 1
                                                                     : static_cast<std::int64_t>(number));
    }
    bool number_float(number_float_t, const string_t& text) override {
        if (isId())
            refuse("the id of \"" + forMessage(m_frames.back().key) + "\" is " + forMessage(text) +
                   ", not a whole number.");
        return value();
    }
    bool string(string_t& text) override {
        if (isAddedTokenMember("content"))
            m_content = text;
        return value();
    }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(false); }
    bool start_array(std::size_t) override { return open(true); }
    bool end_array() override { return close(); }
    bool end_object() override {
        if (isAddedToken()) {
            if (m_id < 0)
                refuse("the added token \"" + forMessage(m_content) + "\" has no id.");
            if (m_wanted.contains(m_content))
                m_added[m_content] = m_id;
            m_id = -1;
            m_content.clear();
        }
        return close();
    }
    bool key(string_t& name) override {
        m_frames.back().key = std::move(name);
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
        refuse("not valid JSON near byte " + std::to_string(position) + ".");
    }

private:
    struct Frame {
        bool array = false;
        std::string key;
    };

    [[noreturn]] void refuse(const std::string& finding) const {
        throw Error("checkpoint.tokenizer", m_origin + ": " + finding,
                    "The file is damaged: fetch the model again.");
    }

    bool inVocabulary() const {
        return m_frames.size() == 3 && m_frames[0].key == "model" && m_frames[1].key == "vocab";
    }
    bool isAddedToken() const {
        return m_frames.size() == 3 && m_frames[0].key == "added_tokens" && m_frames[1].array &&
               !m_frames[2].array;
    }
    bool isAddedTokenMember(const char* name) const { return isAddedToken() && m_frames[2].key == name; }
    bool isId() const { return (inVocabulary() && !m_frames[2].array) || isAddedTokenMember("id"); }

    bool id(std::int64_t number) {
        if (!isId())
            return value();
        const std::string& text = m_frames.back().key;
        if (number < 0 || number > maximumId)
            refuse("the id of \"" + forMessage(text) + "\" is " +
                   (number < 0 ? std::to_string(number) : "above " + std::to_string(maximumId)) +
                   ", allowed are 0 to " + std::to_string(maximumId) + ".");
        if (!inVocabulary()) {
            m_id = number;
            return true;
        }
        piece(text, number);
        return true;
    }

    void piece(const std::string& text, std::int64_t number) {
        ++m_scan.pieces;
        if (number > m_scan.highestPiece) {
            m_scan.highestPiece = number;
            m_scan.highestPieceText = text;
        }
        if (m_wanted.contains(text))
            m_scan.ids[text] = number;
    }

    // Unigram: [piece, score] pairs, the id is the position.
    bool value() {
        if (m_frames.size() == 4 && m_frames[0].key == "model" && m_frames[1].key == "vocab" &&
            m_frames[2].array && m_frames[3].array)
            m_pairOpen = true;
        return true;
    }

    bool open(bool array) {
        if (m_frames.size() >= maximumDepth)
            throw Error("json.depth",
                        m_origin + ": nested deeper than " + std::to_string(maximumDepth) + " levels.",
                        "This is not a tokenizer.json.");
        m_frames.push_back({array, {}});
        return true;
    }

    bool close() {
        m_frames.pop_back();
        if (m_pairOpen && inVocabulary()) {
            m_pairOpen = false;
            ++m_scan.pieces;
            m_scan.highestPiece = m_scan.pieces - 1;
        }
        return true;
    }

    std::string m_origin;
    const std::set<std::string>& m_wanted;
    std::vector<Frame> m_frames;
    std::map<std::string, std::int64_t> m_added;
    std::string m_content;
    std::int64_t m_id = -1;
    bool m_pairOpen = false;
    TokenizerJsonScan m_scan;
};

} // namespace

TokenizerJsonScan scanTokenizerJson(std::string_view text, const std::string& origin,
                                    const std::set<std::string>& wanted) {
    if (!isValidUtf8(text))
        throw Error("checkpoint.tokenizer", origin + ": the text is not UTF-8.",
                    "The file is damaged: fetch the model again.");
    Handler handler(origin, wanted);
    Json::sax_parse(text.begin(), text.end(), &handler, Json::input_format_t::json, true);
    return handler.take();
}

} // namespace azimuth
