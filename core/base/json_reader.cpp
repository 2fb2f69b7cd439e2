#include "core/base/json_reader.h"

#include "core/base/error.h"
#include "core/base/text.h"

#include <charconv>
#include <cmath>

namespace azimuth {

JsonObject::JsonObject(const Json* value, std::string path,
                       std::shared_ptr<std::vector<std::string>> findings, bool strict)
    : m_value(value), m_path(std::move(path)), m_findings(std::move(findings)), m_strict(strict) {}

JsonObject::~JsonObject() {
    if (!m_findings || !m_strict || !m_value->is_object())
        return;
    for (auto it = m_value->begin(); it != m_value->end(); ++it)
        if (!m_read.count(it.key()))
            m_findings->push_back(m_path + "/" + forMessage(it.key()) + ": this key is not known here");
}

void JsonObject::fail(const char* key, const std::string& finding) {
    m_findings->push_back(at(key) + ": " + finding);
}

bool JsonObject::has(const char* key) const { return m_value->is_object() && m_value->contains(key); }

const Json* JsonObject::find(const char* key, bool required) {
    m_read.insert(key);
    if (has(key))
        return &(*m_value)[key];
    if (required)
        fail(key, "missing");
    return nullptr;
}

std::string JsonObject::text(const char* key) {
    const auto* value = find(key, true);
    if (!value)
        return {};
    if (value->is_string())
        return value->get<std::string>();
    fail(key, "expected a text");
    return {};
}

std::string JsonObject::text(const char* key, const std::string& otherwise) {
    return optionalText(key).value_or(otherwise);
}

std::optional<std::string> JsonObject::optionalText(const char* key) {
    const auto* value = find(key, false);
    if (!value || value->is_null())
        return std::nullopt;
    if (value->is_string())
        return value->get<std::string>();
    fail(key, "expected a text");
    return std::nullopt;
}

namespace {
std::optional<std::int64_t> wholeNumber(const Json& value) {
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
        return std::nullopt;
    if (value.is_number_integer())
        return value.get<std::int64_t>();
    if (value.is_number_float()) { // 3.0 is a whole number, 2.7 is not
        const double number = value.get<double>();
        if (std::floor(number) == number && std::fabs(number) < 9e15)
            return static_cast<std::int64_t>(number);
    }
    return std::nullopt;
}

// A whole number that no double has is refused rather than rounded.
std::optional<double> finiteNumber(const Json& value) {
    if (!value.is_number())
        return std::nullopt;
    const double number = value.get<double>();
    const bool exact = value.is_number_float() || std::fabs(number) < 9007199254740992.0 ||
                       (std::fabs(number) < 9.2e18 && Json(static_cast<std::int64_t>(number)) == value);
    return std::isfinite(number) && exact ? std::optional(number) : std::nullopt;
}
} // namespace

std::int64_t JsonObject::integer(const char* key, std::int64_t minimum, std::int64_t maximum) {
    const auto* value = find(key, true);
    if (!value)
        return minimum;
    const auto number = wholeNumber(*value);
    if (number && *number >= minimum && *number <= maximum)
        return *number;
    fail(key, "expected a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum) +
                  ", found " + forMessage(value->dump(-1, ' ', false, Json::error_handler_t::replace), 40));
    return minimum;
}

std::int64_t JsonObject::integer(const char* key, std::int64_t minimum, std::int64_t maximum,
                                 std::int64_t otherwise) {
    if (!has(key)) {
        m_read.insert(key);
        return otherwise;
    }
    return integer(key, minimum, maximum);
}

double JsonObject::number(const char* key) {
    const auto* value = find(key, true);
    if (!value)
        return 0;
    if (const auto number = finiteNumber(*value))
        return *number;
    fail(key, "expected a finite number");
    return 0;
}

double JsonObject::number(const char* key, double otherwise) {
    if (!has(key)) {
        m_read.insert(key);
        return otherwise;
    }
    return number(key);
}

bool JsonObject::boolean(const char* key) {
    const auto* value = find(key, true);
    if (!value)
        return false;
    if (value->is_boolean())
        return value->get<bool>();
    fail(key, "expected true or false");
    return false;
}

bool JsonObject::boolean(const char* key, bool otherwise) {
    if (!has(key)) {
        m_read.insert(key);
        return otherwise;
    }
    return boolean(key);
}

std::uint64_t JsonObject::unsigned64(const char* key, std::uint64_t otherwise) {
    const auto* value = find(key, false);
    if (!value)
        return otherwise;
    if (value->is_string()) {
        const auto& digits = value->get_ref<const std::string&>();
        std::uint64_t number = 0;
        const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (failure == std::errc() && end == digits.data() + digits.size())
            return number;
    }
    fail(key, "expected a whole number as a text, like \"42\"");
    return otherwise;
}

std::vector<std::string> JsonObject::texts(const char* key, bool required) {
    std::vector<std::string> out;
    const auto* value = find(key, required);
    if (!value)
        return out;
    if (!value->is_array()) {
        fail(key, "expected a list of texts");
        return out;
    }
    for (std::size_t i = 0; i < value->size(); ++i) {
        if ((*value)[i].is_string())
            out.push_back((*value)[i].get<std::string>());
        else
            fail(key, "element " + std::to_string(i) + " is not a text");
    }
    return out;
}

std::vector<double> JsonObject::numbers(const char* key, bool required) {
    std::vector<double> out;
    const auto* value = find(key, required);
    if (!value)
        return out;
    if (!value->is_array()) {
        fail(key, "expected a list of numbers");
        return out;
    }
    for (std::size_t i = 0; i < value->size(); ++i) {
        if (const auto number = finiteNumber((*value)[i]))
            out.push_back(*number);
        else
            fail(key, "element " + std::to_string(i) + " is not a finite number");
    }
    return out;
}

std::vector<std::int64_t> JsonObject::integers(const char* key, std::int64_t minimum, std::int64_t maximum,
                                               bool required) {
    std::vector<std::int64_t> out;
    const auto* value = find(key, required);
    if (!value)
        return out;
    if (!value->is_array()) {
        fail(key, "expected a list of whole numbers");
        return out;
    }
    for (std::size_t i = 0; i < value->size(); ++i) {
        const auto number = wholeNumber((*value)[i]);
        if (number && *number >= minimum && *number <= maximum)
            out.push_back(*number);
        else
            fail(key, "element " + std::to_string(i) + " is not a whole number from " +
                          std::to_string(minimum) + " to " + std::to_string(maximum));
    }
    return out;
}

void JsonObject::object(const char* key, const std::function<void(JsonObject&)>& body, bool required) {
    const auto* value = find(key, required);
    if (!value)
        return;
    if (!value->is_object())
        return fail(key, "expected an object");
    JsonObject inner(value, at(key), m_findings, m_strict);
    body(inner);
}

void JsonObject::each(const char* key, const std::function<void(JsonObject&)>& body, bool required) {
    const auto* value = find(key, required);
    if (!value)
        return;
    if (!value->is_array())
        return fail(key, "expected a list of objects");
    for (std::size_t i = 0; i < value->size(); ++i) {
        if (!(*value)[i].is_object()) {
            fail(key, "element " + std::to_string(i) + " is not an object");
            continue;
        }
        JsonObject inner(&(*value)[i], at(key) + "/" + std::to_string(i), m_findings, m_strict);
        body(inner);
    }
}

void JsonObject::members(const char* key, const std::function<void(const std::string&, JsonObject&)>& body,
                         bool required) {
    object(
        key,
        [&](JsonObject& outer) {
            for (auto it = outer.m_value->begin(); it != outer.m_value->end(); ++it) {
                outer.m_read.insert(it.key());
                if (!it->is_object()) {
                    outer.fail(it.key().c_str(), "expected an object");
                    continue;
                }
                JsonObject inner(&*it, outer.at(it.key().c_str()), m_findings, m_strict);
                body(it.key(), inner);
            }
        },
        required);
}

Json JsonObject::any(const char* key, bool required) {
    const auto* value = find(key, required);
    return value ? *value : Json();
}

std::size_t JsonObject::choice(const char* key, const std::vector<std::string>& names,
                               std::optional<std::size_t> otherwise) {
    const auto* value = find(key, !otherwise);
    if (!value)
        return otherwise.value_or(0);
    if (value->is_string())
        for (std::size_t i = 0; i < names.size(); ++i)
            if (value->get_ref<const std::string&>() == names[i])
                return i;
    std::string known;
    for (const auto& name : names)
        known += (known.empty() ? "" : ", ") + name;
    fail(key, "found " + forMessage(value->dump(-1, ' ', false, Json::error_handler_t::replace), 40) +
                  ", known are " + known);
    return otherwise.value_or(0);
}

JsonReader::JsonReader(const Json& value, std::string origin, bool foreign)
    : m_value(value), m_origin(std::move(origin)), m_foreign(foreign) {
    if (!m_value.is_object())
        throw Error("json.content", m_origin + ": expected an object.", "Give a file of the expected kind.");
}

JsonReader::JsonReader(const Json& value, std::string origin, const std::string& kind, int newestVersion)
    : JsonReader(value, std::move(origin), false) {
    m_headed = true;
    const auto found = m_value.contains("azimuth") && m_value["azimuth"].is_string()
                           ? m_value["azimuth"].get<std::string>()
                           : std::string();
    if (found != kind)
        throw Error("json.kind",
                    m_origin + ": expected {\"azimuth\": \"" + kind + "\", ...}, found " +
                        (found.empty() ? "no such header" : "\"" + forMessage(found, 40) + "\"") + ".",
                    "Give a file of kind " + kind + ".");
    const auto version = m_value.contains("version") ? wholeNumber(m_value["version"]) : std::nullopt;
    if (!version || *version < 1)
        throw Error("json.version", m_origin + ": expected \"version\": a whole number from 1.", "");
    if (*version > newestVersion)
        throw Error("json.version",
                    m_origin + " is of version " + std::to_string(*version) + ", this program reads up to " +
                        std::to_string(newestVersion) + ".",
                    "Use a newer Azimuth.");
    m_version = static_cast<int>(*version);
}

JsonObject& JsonReader::root() {
    if (!m_root) {
        m_root = JsonObject(&m_value, "", m_findings, !m_foreign);
        if (m_headed) {
            m_root->m_read.insert("azimuth");
            m_root->m_read.insert("version");
        }
    }
    return *m_root;
}

void JsonReader::finish() {
    m_root.reset(); // reports the keys that nobody read
    if (m_findings->empty())
        return;
    throw joinErrors("json.content", *m_findings, "Mend these places and try again.").within(m_origin);
}

} // namespace azimuth
