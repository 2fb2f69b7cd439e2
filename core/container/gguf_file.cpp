#include "core/container/gguf_file.h"

#include "core/base/error.h"
#include "core/base/text.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace azimuth {
namespace {

template <class T, class Out> void widen(const GgufArray& array, std::vector<Out>& values) {
    for (std::uint64_t i = 0; i < array.count; ++i) {
        T value;
        std::memcpy(&value, array.encoded.data() + i * sizeof value, sizeof value);
        if constexpr (std::is_same_v<T, std::uint64_t>)
            if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
                throw Error("gguf.metadata",
                            "element " + std::to_string(i) + " is " + std::to_string(value) +
                                ", beyond 63 bits.",
                            "Convert the model again.");
        values.push_back(static_cast<Out>(value));
    }
}

[[noreturn]] void refuseElements(const GgufArray& array, const std::string& wanted) {
    throw Error("gguf.metadata",
                "an array holds " + std::string(ggufValueTypeName(array.elementType)) +
                    " values, expected are " + wanted + ".",
                "Convert the model again.");
}

} // namespace

std::string_view ggufValueTypeName(GgufValueType type) {
    switch (type) {
    case GgufValueType::U8:
        return "u8";
    case GgufValueType::I8:
        return "i8";
    case GgufValueType::U16:
        return "u16";
    case GgufValueType::I16:
        return "i16";
    case GgufValueType::U32:
        return "u32";
    case GgufValueType::I32:
        return "i32";
    case GgufValueType::F32:
        return "f32";
    case GgufValueType::Bool:
        return "bool";
    case GgufValueType::Text:
        return "string";
    case GgufValueType::Array:
        return "array";
    case GgufValueType::U64:
        return "u64";
    case GgufValueType::I64:
        return "i64";
    case GgufValueType::F64:
        return "f64";
    }
    return "unknown";
}

const GgufValue* GgufFile::find(std::string_view key) const {
    const auto found = m_entryIndex.find(key);
    return found == m_entryIndex.end() ? nullptr : &m_entries[found->second].value;
}

const GgufTensor* GgufFile::findTensor(std::string_view name) const {
    const auto found = m_tensorIndex.find(std::string(name));
    return found == m_tensorIndex.end() ? nullptr : &m_tensors[found->second];
}

std::span<const std::byte> GgufFile::data(const GgufTensor& tensor) const {
    return m_bytes.subspan(tensor.offset, tensor.bytes);
}

void GgufFile::refuse(std::string_view key, const std::string& finding) const {
    throw Error("gguf.metadata", m_origin + ": " + forMessage(key) + ": " + finding,
                "The file was written by a tool that Azimuth does not know: convert the model again.");
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key, std::int64_t minimum,
                                              std::int64_t maximum) const {
    const auto* found = find(key);
    if (!found)
        return {};
    std::int64_t value = 0;
    if (const auto* natural = std::get_if<std::uint64_t>(&found->value)) {
        if (*natural > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            refuse(key, "is " + std::to_string(*natural) + ", allowed are " + std::to_string(minimum) +
                            " to " + std::to_string(maximum) + ".");
        value = static_cast<std::int64_t>(*natural);
    } else if (const auto* whole = std::get_if<std::int64_t>(&found->value))
        value = *whole;
    else
        refuse(key,
               "has the type " + std::string(ggufValueTypeName(found->type)) + ", expected is an integer.");
    if (value < minimum || value > maximum)
        refuse(key, "is " + std::to_string(value) + ", allowed are " + std::to_string(minimum) + " to " +
                        std::to_string(maximum) + ".");
    return value;
}

std::optional<double> GgufFile::number(std::string_view key) const {
    const auto* found = find(key);
    if (!found)
        return {};
    double value = 0;
    if (const auto* real = std::get_if<double>(&found->value))
        value = *real;
    else if (const auto* natural = std::get_if<std::uint64_t>(&found->value))
        value = static_cast<double>(*natural);
    else if (const auto* whole = std::get_if<std::int64_t>(&found->value))
        value = static_cast<double>(*whole);
    else
        refuse(key,
               "has the type " + std::string(ggufValueTypeName(found->type)) + ", expected is a number.");
    if (!std::isfinite(value))
        refuse(key, "is not finite.");
    return value;
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
    const auto* found = find(key);
    if (!found)
        return {};
    if (const auto* flag = std::get_if<bool>(&found->value))
        return *flag;
    refuse(key, "has the type " + std::string(ggufValueTypeName(found->type)) + ", expected is bool.");
}

std::optional<std::string> GgufFile::text(std::string_view key) const {
    const auto* found = find(key);
    if (!found)
        return {};
    const auto* text = std::get_if<std::string_view>(&found->value);
    if (!text)
        refuse(key, "has the type " + std::string(ggufValueTypeName(found->type)) + ", expected is string.");
    if (!isValidUtf8(*text))
        refuse(key, "is not UTF-8.");
    return std::string(*text);
}

const GgufArray* GgufFile::array(std::string_view key, std::string_view wanted) const {
    const auto* found = find(key);
    if (!found)
        return nullptr;
    if (const auto* array = std::get_if<GgufArray>(&found->value))
        return array;
    refuse(key, "has the type " + std::string(ggufValueTypeName(found->type)) + ", expected is an array of " +
                    std::string(wanted) + ".");
}

std::optional<std::vector<std::string_view>> GgufFile::texts(std::string_view key) const {
    const auto* found = array(key, "strings");
    if (!found)
        return {};
    if (found->elementType != GgufValueType::Text)
        refuse(key, "holds " + std::string(ggufValueTypeName(found->elementType)) +
                        " values, expected are strings.");
    return ggufTexts(*found);
}

std::optional<std::vector<std::int64_t>> GgufFile::integers(std::string_view key) const {
    const auto* found = array(key, "integers");
    if (!found)
        return {};
    try {
        return ggufIntegers(*found);
    } catch (const Error& error) {
        refuse(key, error.message());
    }
}

std::optional<std::vector<float>> GgufFile::floats(std::string_view key) const {
    const auto* found = array(key, "f32");
    if (!found)
        return {};
    if (found->elementType != GgufValueType::F32)
        refuse(key,
               "holds " + std::string(ggufValueTypeName(found->elementType)) + " values, expected are f32.");
    std::vector<float> values(found->count);
    if (!values.empty())
        std::memcpy(values.data(), found->encoded.data(), found->encoded.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        if (!std::isfinite(values[i]))
            refuse(key, "element " + std::to_string(i) + " is not finite.");
    return values;
}

std::vector<std::string_view> ggufTexts(const GgufArray& array) {
    if (array.elementType != GgufValueType::Text)
        refuseElements(array, "strings");
    std::vector<std::string_view> values;
    values.reserve(array.count);
    const auto* at = reinterpret_cast<const char*>(array.encoded.data());
    for (std::uint64_t i = 0; i < array.count; ++i) {
        std::uint64_t length = 0;
        std::memcpy(&length, at, sizeof length);
        values.emplace_back(at + sizeof length, length);
        at += sizeof length + length;
    }
    return values;
}

std::vector<std::int64_t> ggufIntegers(const GgufArray& array) {
    std::vector<std::int64_t> values;
    values.reserve(array.count);
    switch (array.elementType) {
    case GgufValueType::U8:
        widen<std::uint8_t>(array, values);
        break;
    case GgufValueType::I8:
        widen<std::int8_t>(array, values);
        break;
    case GgufValueType::U16:
        widen<std::uint16_t>(array, values);
        break;
    case GgufValueType::I16:
        widen<std::int16_t>(array, values);
        break;
    case GgufValueType::U32:
        widen<std::uint32_t>(array, values);
        break;
    case GgufValueType::I32:
        widen<std::int32_t>(array, values);
        break;
    case GgufValueType::U64:
        widen<std::uint64_t>(array, values);
        break;
    case GgufValueType::I64:
        widen<std::int64_t>(array, values);
        break;
    case GgufValueType::Bool:
        widen<std::uint8_t>(array, values);
        break;
    default:
        refuseElements(array, "integers");
    }
    return values;
}

std::vector<double> ggufNumbers(const GgufArray& array) {
    std::vector<double> values;
    values.reserve(array.count);
    if (array.elementType == GgufValueType::F32)
        widen<float>(array, values);
    else if (array.elementType == GgufValueType::F64)
        widen<double>(array, values);
    else
        refuseElements(array, "f32 or f64");
    return values;
}

} // namespace azimuth
