#include "core/container/safetensors.h"

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/container/half.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace azimuth {
namespace {

constexpr std::uint64_t maximumHeaderBytes = 100'000'000;

struct DTypeRow {
    const char* name;
    std::uint32_t bits;
};

constexpr std::array dtypeTable = {
    DTypeRow{"BOOL", 8},    DTypeRow{"F4", 4},   DTypeRow{"F6_E2M3", 6}, DTypeRow{"F6_E3M2", 6},
    DTypeRow{"U8", 8},      DTypeRow{"I8", 8},   DTypeRow{"F8_E5M2", 8}, DTypeRow{"F8_E4M3", 8},
    DTypeRow{"F8_E8M0", 8}, DTypeRow{"I16", 16}, DTypeRow{"U16", 16},    DTypeRow{"F16", 16},
    DTypeRow{"BF16", 16},   DTypeRow{"I32", 32}, DTypeRow{"U32", 32},    DTypeRow{"F32", 32},
    DTypeRow{"C64", 64},    DTypeRow{"F64", 64}, DTypeRow{"I64", 64},    DTypeRow{"U64", 64},
};

std::string shapeText(const std::vector<std::int64_t>& shape) {
    std::string text = "[";
    for (const auto extent : shape)
        text += (text.size() > 1 ? ", " : "") + (extent < 0 ? std::string("any") : std::to_string(extent));
    return text + "]";
}

// Bytes of a tensor; nothing if an extent is negative, the size is beyond 64 bits or not a whole number of
// bytes.
std::optional<std::uint64_t> sizeOf(DType type, const std::vector<std::int64_t>& shape) {
    std::uint64_t bits = dtypeBits(type);
    for (const auto extent : shape)
        if (extent < 0 || __builtin_mul_overflow(bits, static_cast<std::uint64_t>(extent), &bits))
            return {};
    if (bits % 8 != 0)
        return {};
    return bits / 8;
}

[[noreturn]] void refuse(const std::string& origin, const std::string& finding) {
    throw Error("safetensors.syntax", origin + ": " + finding,
                "The file is damaged or not complete: write or download it again.");
}

std::uint64_t naturalOf(const Json& value, const std::string& origin, const std::string& name,
                        const char* what) {
    if (!value.is_number_unsigned())
        refuse(origin, forMessage(name) + ": " + what +
                           ": expected is a number of 0 or more, the header has " +
                           forMessage(value.dump(), 40) + ".");
    return value.get<std::uint64_t>();
}

SafetensorsTensor readEntry(const std::string& name, const Json& entry, const std::string& origin) {
    SafetensorsTensor tensor;
    tensor.name = name;
    const auto what = [&] { return forMessage(name); }; // for errors: not free for thousands of names
    if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry.contains("shape") ||
        !entry.contains("data_offsets"))
        refuse(origin, what() + ": expected are dtype, shape and data_offsets.");
    const auto& dtype = entry["dtype"];
    const auto type =
        dtype.is_string() ? dtypeFromName(dtype.get_ref<const std::string&>()) : std::optional<DType>();
    if (!type)
        refuse(origin, what() + ": dtype " + forMessage(dtype.dump(), 40) + " does not exist.");
    tensor.type = *type;
    const auto& shape = entry["shape"];
    if (!shape.is_array() || shape.size() > 64)
        refuse(origin, what() + ": the shape is not a list of at most 64 extents.");
    for (const auto& extent : shape) {
        const auto value = naturalOf(extent, origin, name, "an extent");
        if (value > static_cast<std::uint64_t>(INT64_MAX))
            refuse(origin, what() + ": the extent " + std::to_string(value) + " is beyond 63 bits.");
        tensor.shape.push_back(static_cast<std::int64_t>(value));
    }
    const auto& offsets = entry["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2)
        refuse(origin, what() + ": data_offsets are not two numbers.");
    tensor.offset = naturalOf(offsets[0], origin, name, "its begin");
    const auto end = naturalOf(offsets[1], origin, name, "its end");
    if (end < tensor.offset)
        refuse(origin, what() + ": ends at " + std::to_string(end) + ", before its begin at " +
                           std::to_string(tensor.offset) + ".");
    tensor.bytes = end - tensor.offset;
    const auto expected = sizeOf(tensor.type, tensor.shape);
    if (!expected || *expected != tensor.bytes)
        refuse(origin, what() + ": " + std::string(dtypeName(tensor.type)) + " " + shapeText(tensor.shape) +
                           " needs " + (expected ? std::to_string(*expected) : "an impossible number of") +
                           " bytes, the header gives " + std::to_string(tensor.bytes) + ".");
    return tensor;
}

} // namespace

std::string_view dtypeName(DType type) { return dtypeTable[static_cast<std::size_t>(type)].name; }
std::uint32_t dtypeBits(DType type) { return dtypeTable[static_cast<std::size_t>(type)].bits; }

std::optional<DType> dtypeFromName(std::string_view name) {
    for (std::size_t i = 0; i < dtypeTable.size(); ++i)
        if (name == dtypeTable[i].name)
            return static_cast<DType>(i);
    return {};
}

SafetensorsFile SafetensorsFile::open(const std::string& path) {
    auto mapping = std::make_shared<const MappedFile>(path);
    auto file = parse(mapping->bytes(), path);
    file.m_mapping = std::move(mapping);
    return file;
}

SafetensorsFile SafetensorsFile::parse(std::span<const std::byte> bytes, const std::string& origin) {
    SafetensorsFile file;
    file.m_origin = origin;
    file.m_bytes = bytes;
    std::uint64_t headerBytes = 0;
    if (bytes.size() < 8)
        refuse(origin,
               "it has " + std::to_string(bytes.size()) + " bytes, a safetensors file has at least 8.");
    std::memcpy(&headerBytes, bytes.data(), 8);
    if (headerBytes > maximumHeaderBytes || headerBytes > bytes.size() - 8)
        refuse(origin, "it claims a header of " + std::to_string(headerBytes) + " bytes, the file has " +
                           std::to_string(bytes.size() - 8) + " more and " +
                           std::to_string(maximumHeaderBytes) + " are allowed.");
    const std::string_view text(reinterpret_cast<const char*>(bytes.data() + 8), headerBytes);
    if (text.empty() || text.front() != '{')
        refuse(origin, "the header does not begin with {.");
    const Json header = parseJson(text, origin, {maximumHeaderBytes, 8});
    for (const auto& [name, entry] : header.items()) {
        if (name != "__metadata__") {
            file.m_tensors.push_back(readEntry(name, entry, origin));
            continue;
        }
        for (const auto& [key, value] : entry.items()) {
            if (!entry.is_object() || !value.is_string())
                refuse(origin, "__metadata__ is not an object of texts.");
            file.m_metadata.emplace(key, value.get<std::string>());
        }
    }
    std::ranges::stable_sort(file.m_tensors, [](const auto& a, const auto& b) {
        return std::pair(a.offset, a.bytes) < std::pair(b.offset, b.bytes);
    });
    std::uint64_t expected = 0;
    for (auto& tensor : file.m_tensors) {
        if (tensor.offset != expected)
            refuse(origin, forMessage(tensor.name) + ": begins at " + std::to_string(tensor.offset) +
                               ", expected is " + std::to_string(expected) + ".");
        if (__builtin_add_overflow(expected, tensor.bytes, &expected))
            refuse(origin, forMessage(tensor.name) + ": its end is beyond 64 bits.");
        tensor.offset += 8 + headerBytes;
    }
    if (expected != bytes.size() - 8 - headerBytes)
        refuse(origin, "its tensors take " + std::to_string(expected) + " bytes, the file has " +
                           std::to_string(bytes.size() - 8 - headerBytes) + ".");
    return file;
}

const SafetensorsTensor* SafetensorsFile::find(std::string_view name) const {
    const auto found = std::ranges::find(m_tensors, name, &SafetensorsTensor::name);
    return found == m_tensors.end() ? nullptr : &*found;
}

const SafetensorsTensor& SafetensorsFile::at(std::string_view name) const {
    if (const auto* tensor = find(name))
        return *tensor;
    std::string there;
    for (std::size_t i = 0; i < std::min<std::size_t>(m_tensors.size(), 5); ++i)
        there += (i ? ", " : "") + forMessage(m_tensors[i].name);
    throw Error("safetensors.tensor", m_origin + ": there is no tensor named " + forMessage(name) + ".",
                m_tensors.empty() ? "The file holds no tensor."
                                  : "It holds " + there + (m_tensors.size() > 5 ? ", ..." : "") + ".");
}

std::span<const std::byte> SafetensorsFile::data(const SafetensorsTensor& tensor) const {
    return m_bytes.subspan(tensor.offset, tensor.bytes);
}

namespace {

template <class T, class Out, class Convert>
std::vector<Out> convertAll(std::span<const std::byte> bytes, const Convert& convert) {
    std::vector<Out> values(bytes.size() / sizeof(T));
    for (std::size_t i = 0; i < values.size(); ++i) {
        T value;
        std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
        values[i] = convert(value);
    }
    return values;
}

template <class T> std::vector<std::int64_t> widened(std::span<const std::byte> bytes) {
    return convertAll<T, std::int64_t>(bytes, [](T value) { return static_cast<std::int64_t>(value); });
}

} // namespace

std::vector<float> SafetensorsFile::floats(std::string_view name,
                                           const std::vector<std::int64_t>& shape) const {
    const auto& tensor = at(name);
    const bool fits =
        std::ranges::equal(tensor.shape, shape, [](auto has, auto want) { return want < 0 || has == want; });
    if (!fits)
        throw Error("safetensors.tensor",
                    m_origin + ": " + forMessage(name) + ": expected " + shapeText(shape) + ", file has " +
                        shapeText(tensor.shape) + ".",
                    "Check that the file belongs to this model.");
    if (m_mapping)
        m_mapping->checkUnchanged();
    const auto bytes = data(tensor);
    switch (tensor.type) {
    case DType::F32:
        return convertAll<float, float>(bytes, [](float value) { return value; });
    case DType::F64:
        return convertAll<double, float>(bytes, [](double value) { return static_cast<float>(value); });
    case DType::F16:
        return convertAll<std::uint16_t, float>(bytes, halfToFloat);
    case DType::BF16:
        return convertAll<std::uint16_t, float>(bytes, bfloatToFloat);
    default:
        break;
    }
    throw Error("safetensors.tensor",
                m_origin + ": " + forMessage(name) + ": expected F32, F16, BF16 or F64, file has " +
                    std::string(dtypeName(tensor.type)) + ".",
                "Save the tensor as F32.");
}

std::vector<std::int64_t> SafetensorsFile::integers(std::string_view name) const {
    const auto& tensor = at(name);
    if (m_mapping)
        m_mapping->checkUnchanged();
    const auto bytes = data(tensor);
    switch (tensor.type) {
    case DType::I8:
        return widened<std::int8_t>(bytes);
    case DType::U8:
        return widened<std::uint8_t>(bytes);
    case DType::I16:
        return widened<std::int16_t>(bytes);
    case DType::U16:
        return widened<std::uint16_t>(bytes);
    case DType::I32:
        return widened<std::int32_t>(bytes);
    case DType::U32:
        return widened<std::uint32_t>(bytes);
    case DType::I64:
        return widened<std::int64_t>(bytes);
    default:
        break;
    }
    throw Error("safetensors.tensor",
                m_origin + ": " + forMessage(name) + ": expected integers, file has " +
                    std::string(dtypeName(tensor.type)) + ".",
                "Save the tensor as I32 or I64.");
}

// The header as the crate writes it, so that equal content has an equal digest in every tool.
namespace {

std::string headerOf(std::vector<SafetensorsDeclaration>& tensors,
                     const std::map<std::string, std::string>& metadata, const std::string& path) {
    const auto fail = [&](const std::string& finding) {
        throw Error("safetensors.declaration", path + ": " + finding, "");
    };
    std::ranges::sort(tensors, [](const auto& a, const auto& b) {
        return a.type != b.type ? a.type > b.type : a.name < b.name;
    });
    const auto quoted = [&](const std::string& text) {
        if (!isValidUtf8(text))
            fail("not UTF-8: " + forMessage(text));
        return Json(text).dump();
    };
    std::string header = "{";
    if (!metadata.empty()) {
        header += "\"__metadata__\":{";
        for (const auto& [key, value] : metadata)
            header += (header.back() == '{' ? "" : ",") + quoted(key) + ":" + quoted(value);
        header += "}";
    }
    std::uint64_t at = 0;
    for (const auto& tensor : tensors) {
        const auto bytes = sizeOf(tensor.type, tensor.shape);
        std::uint64_t end = 0;
        if (!bytes || __builtin_add_overflow(at, *bytes, &end))
            fail(forMessage(tensor.name) + ": the shape " + shapeText(tensor.shape) + " cannot be stored.");
        if (tensor.name.empty() || tensor.name == "__metadata__")
            fail("a tensor cannot be named \"" + tensor.name + "\".");
        std::string extents;
        for (const auto extent : tensor.shape)
            extents += (extents.empty() ? "" : ",") + std::to_string(extent);
        header += (header.size() == 1 ? "" : ",") + quoted(tensor.name) + ":{\"dtype\":\"" +
                  std::string(dtypeName(tensor.type)) + "\",\"shape\":[" + extents + "],\"data_offsets\":[" +
                  std::to_string(at) + "," + std::to_string(end) + "]}";
        at = end;
    }
    header += "}";
    header.append((8 - header.size() % 8) % 8, ' ');
    if (header.size() > maximumHeaderBytes)
        fail("the header has " + std::to_string(header.size()) + " bytes, allowed are " +
             std::to_string(maximumHeaderBytes) + ".");
    return header;
}

} // namespace

SafetensorsWriter::SafetensorsWriter(std::string path, std::vector<SafetensorsDeclaration> tensors,
                                     const std::map<std::string, std::string>& metadata)
    : SafetensorsWriter(path, headerOf(tensors, metadata, path), tensors) {}

SafetensorsWriter::SafetensorsWriter(const std::string& path, const std::string& header,
                                     const std::vector<SafetensorsDeclaration>& sorted)
    : m_slots(slotsOf(path, header, sorted)), m_file(path, {{}, m_end, {}, {}}) {
    const std::uint64_t headerBytes = header.size();
    m_file.write(std::as_bytes(std::span(&headerBytes, 1)));
    m_file.write(header);
}

SafetensorsWriter::Slots SafetensorsWriter::slotsOf(const std::string& path, const std::string& header,
                                                    const std::vector<SafetensorsDeclaration>& sorted) {
    Slots slots;
    m_end = 8 + header.size();
    for (const auto& tensor : sorted) {
        const auto bytes = *sizeOf(tensor.type, tensor.shape);
        if (!slots.emplace(tensor.name, Slot{m_end, bytes, 0}).second)
            throw Error("safetensors.declaration",
                        path + ": the tensor " + forMessage(tensor.name) + " is declared twice.", "");
        m_end += bytes;
    }
    return slots;
}

void SafetensorsWriter::append(std::string_view name, std::span<const std::byte> bytes) {
    const auto found = m_slots.find(name);
    if (found == m_slots.end())
        throw Error("safetensors.declaration",
                    m_file.target() + ": the tensor " + forMessage(name) + " was not declared.", "");
    auto& slot = found->second;
    if (bytes.size() > slot.bytes - slot.written)
        throw Error("safetensors.overflow",
                    m_file.target() + ": " + forMessage(name) + " has " + std::to_string(slot.bytes) +
                        " bytes, given are " + std::to_string(slot.written + bytes.size()) + ".",
                    "");
    m_file.writeAt(slot.offset + slot.written, bytes);
    slot.written += bytes.size();
}

void SafetensorsWriter::finish() {
    for (const auto& [name, slot] : m_slots)
        if (slot.written != slot.bytes)
            throw Error("safetensors.incomplete",
                        m_file.target() + ": " + forMessage(name) + " has " + std::to_string(slot.bytes) +
                            " bytes, written are " + std::to_string(slot.written) + ".",
                        "");
    m_file.publish();
}

// The name is the digest of what is in it, so the content is made before the file.
std::string writeDirectionBlob(const std::string& folder, std::span<const float> unit) {
    std::vector<SafetensorsDeclaration> tensors{
        {"direction", DType::F32, {static_cast<std::int64_t>(unit.size())}}};
    const auto header = headerOf(tensors, {}, folder);
    const std::uint64_t headerBytes = header.size();
    std::string content(reinterpret_cast<const char*>(&headerBytes), sizeof headerBytes);
    content += header;
    content.append(reinterpret_cast<const char*>(unit.data()), unit.size_bytes());
    const auto digest = toHex(sha256(content));
    writeFileAtomically(folder + "/" + digest + ".safetensors", content);
    return digest;
}

} // namespace azimuth
