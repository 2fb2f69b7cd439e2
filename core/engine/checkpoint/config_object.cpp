#include "core/engine/checkpoint/config_object.h"

#include "core/base/error.h"
#include "core/base/text.h"

namespace azimuth {
namespace {

std::string shortText(double value) { return Json(value).dump(); }

} // namespace

ConfigObject::ConfigObject(const Json& value, std::string origin)
    : m_value(&value), m_origin(std::move(origin)) {
    if (!value.is_object())
        refuse("expected is an object, the file has " + forMessage(value.dump(), 40) + ".");
}

const Json* ConfigObject::find(const char* key) const {
    const auto found = m_value->find(key);
    return found == m_value->end() || found->is_null() ? nullptr : &*found;
}

void ConfigObject::refuse(const std::string& finding) const {
    throw Error("checkpoint.metadata", m_origin + ": " + finding, "Download the model again.");
}

void ConfigObject::unsupported(const std::string& finding) const {
    throw Error("checkpoint.family", m_origin + ": " + finding,
                "Choose a model of a supported architecture.");
}

void ConfigObject::refuseType(const char* key, const char* wanted) const {
    refuse(std::string(key) + ": expected is " + wanted + ", the file has " +
           forMessage(find(key)->dump(-1, ' ', false, Json::error_handler_t::replace), 60) + ".");
}

std::optional<std::int64_t> ConfigObject::integer(const char* key, std::int64_t minimum,
                                                  std::int64_t maximum) const {
    const auto* value = find(key);
    if (!value)
        return {};
    if (!value->is_number_integer() ||
        (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)))
        refuseType(key, "an integer");
    const auto number = value->get<std::int64_t>();
    if (number < minimum || number > maximum)
        refuse(std::string(key) + " is " + std::to_string(number) + ", allowed are " +
               std::to_string(minimum) + " to " + std::to_string(maximum) + ".");
    return number;
}

std::optional<double> ConfigObject::number(const char* key, double minimum, double maximum) const {
    const auto* value = find(key);
    if (!value)
        return {};
    if (!value->is_number())
        refuseType(key, "a number");
    const auto number = value->get<double>();
    if (!(number >= minimum && number <= maximum))
        refuse(std::string(key) + " is " + shortText(number) + ", allowed are " + shortText(minimum) +
               " to " + shortText(maximum) + ".");
    return number;
}

std::optional<bool> ConfigObject::boolean(const char* key) const {
    const auto* value = find(key);
    if (!value)
        return {};
    if (!value->is_boolean())
        refuseType(key, "true or false");
    return value->get<bool>();
}

std::optional<std::string> ConfigObject::text(const char* key) const {
    const auto* value = find(key);
    if (!value)
        return {};
    if (!value->is_string())
        refuseType(key, "a text");
    return value->get<std::string>();
}

std::optional<std::vector<double>> ConfigObject::numbers(const char* key, double minimum,
                                                         double maximum) const {
    const auto* value = find(key);
    if (!value)
        return {};
    if (!value->is_array())
        refuseType(key, "a list of numbers");
    std::vector<double> numbers;
    for (const auto& element : *value) {
        if (!element.is_number())
            refuseType(key, "a list of numbers");
        numbers.push_back(element.get<double>());
        if (!(numbers.back() >= minimum && numbers.back() <= maximum))
            refuse(std::string(key) + " holds " + shortText(numbers.back()) + ", allowed are " +
                   shortText(minimum) + " to " + shortText(maximum) + ".");
    }
    return numbers;
}

std::optional<std::vector<std::string>> ConfigObject::texts(const char* key) const {
    const auto* value = find(key);
    if (!value)
        return {};
    if (!value->is_array())
        refuseType(key, "a list of texts");
    std::vector<std::string> texts;
    for (const auto& element : *value) {
        if (!element.is_string())
            refuseType(key, "a list of texts");
        texts.push_back(element.get<std::string>());
    }
    return texts;
}

std::optional<ConfigObject> ConfigObject::object(const char* key) const {
    const auto* value = find(key);
    if (!value)
        return {};
    if (!value->is_object())
        refuseType(key, "an object");
    return ConfigObject(*value, m_origin + ": " + key);
}

} // namespace azimuth
