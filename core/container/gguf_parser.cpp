#include "core/base/error.h"
#include "core/base/text.h"
#include "core/container/gguf_file.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace azimuth {
namespace {

constexpr std::uint64_t maximumEntries = 1'000'000, maximumTensors = 100'000, maximumKeyBytes = 65'535,
                        maximumNameBytes = 1'024, maximumHeaderBytes = 100'000'000,
                        maximumAlignment = std::uint64_t{1} << 20;
constexpr std::uint64_t smallestEntry = 8 + 1 + 4 + 1; // key length, one letter, type, one byte
constexpr std::uint64_t smallestTensor =
    8 + 1 + 4 + 8 + 4 + 8; // name length, one letter, axes, one extent, type, offset

std::uint64_t elementBytes(GgufValueType type) {
    switch (type) {
    case GgufValueType::U8:
    case GgufValueType::I8:
    case GgufValueType::Bool:
        return 1;
    case GgufValueType::U16:
    case GgufValueType::I16:
        return 2;
    case GgufValueType::U32:
    case GgufValueType::I32:
    case GgufValueType::F32:
        return 4;
    case GgufValueType::U64:
    case GgufValueType::I64:
    case GgufValueType::F64:
        return 8;
    case GgufValueType::Text:
    case GgufValueType::Array:
        break;
    }
    return 0;
}

} // namespace

// Walks the header once. Every read is compared with the bytes that remain first.
class GgufParser {
public:
    GgufParser(GgufFile& file) : m_file(file) {}

    void run() {
        readPreamble();
        readEntries();
        readAlignment();
        readTensors();
        placeTensors();
    }

private:
    [[noreturn]] void refuse(const std::string& finding) const {
        throw Error("gguf.syntax", m_file.m_origin + ": " + finding,
                    "The file is damaged or not complete: download it again.");
    }

    std::uint64_t remaining() const { return m_file.m_bytes.size() - m_at; }

    void checkHeader(std::uint64_t count, const std::string& what) const {
        if (count > maximumHeaderBytes - m_at)
            refuse(what + " ends beyond the " + std::to_string(maximumHeaderBytes) +
                   " bytes that a header may have.");
    }

    std::span<const std::byte> take(std::uint64_t count, const std::string& what) {
        if (count > remaining())
            refuse(what + " needs " + std::to_string(count) + " bytes at " + std::to_string(m_at) +
                   ", the file has " + std::to_string(remaining()) + " more.");
        checkHeader(count, what);
        const auto part = m_file.m_bytes.subspan(m_at, count);
        m_at += count;
        return part;
    }

    template <class T> T read(const std::string& what) {
        static_assert(std::endian::native == std::endian::little);
        T value;
        std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
        return value;
    }

    std::string_view readText(std::uint64_t maximum, const std::string& what) {
        const auto length = read<std::uint64_t>(what);
        if (length > maximum)
            refuse(what + " is " + std::to_string(length) + " bytes long, allowed are " +
                   std::to_string(maximum) + ".");
        const auto part = take(length, what);
        return {reinterpret_cast<const char*>(part.data()), part.size()};
    }

    void readPreamble();
    void readEntries();
    GgufValue readValue(GgufValueType type, const std::string& what);
    GgufArray readArray(const std::string& what);
    void readAlignment();
    void readTensors();
    GgufTensor readTensor(std::uint64_t index);
    void placeTensors();

    GgufFile& m_file;
    std::uint64_t m_at = 0;
    std::uint64_t m_tensorCount = 0, m_entryCount = 0;
};

void GgufParser::readPreamble() {
    const auto magic = take(4, "the magic number");
    if (std::memcmp(magic.data(), "GGUF", 4) != 0)
        throw Error("gguf.magic",
                    m_file.m_origin + ": this is not a GGUF file: it begins with \"" +
                        forMessage({reinterpret_cast<const char*>(magic.data()), 4}) +
                        "\", expected is \"GGUF\".",
                    "Give a file that ends in .gguf.");
    const auto version = read<std::uint32_t>("the version");
    if ((version & 0xffffu) == 0)
        throw Error("gguf.version",
                    m_file.m_origin + ": the file is big-endian; only little-endian GGUF can be read.",
                    "Convert the model again on a little-endian machine.");
    if (version != 2 && version != 3)
        throw Error("gguf.version",
                    m_file.m_origin + ": GGUF version " + std::to_string(version) + ", readable are 2 and 3.",
                    "Convert the model again with a current tool.");
    m_file.m_version = version;
    m_tensorCount = read<std::uint64_t>("the number of tensors");
    m_entryCount = read<std::uint64_t>("the number of metadata keys");
    if (m_entryCount > maximumEntries || m_entryCount > remaining() / smallestEntry)
        refuse("it claims " + std::to_string(m_entryCount) + " metadata keys in " +
               std::to_string(remaining()) + " bytes, allowed are " + std::to_string(maximumEntries) + ".");
    if (m_tensorCount > maximumTensors || m_tensorCount > remaining() / smallestTensor)
        refuse("it claims " + std::to_string(m_tensorCount) + " tensors in " + std::to_string(remaining()) +
               " bytes, allowed are " + std::to_string(maximumTensors) + ".");
}

void GgufParser::readEntries() {
    m_file.m_entries.reserve(m_entryCount);
    for (std::uint64_t i = 0; i < m_entryCount; ++i) {
        GgufEntry entry;
        entry.key = readText(maximumKeyBytes, "metadata key " + std::to_string(i));
        if (entry.key.empty())
            refuse("metadata key " + std::to_string(i) + " is empty.");
        const auto what = forMessage(entry.key);
        entry.value = readValue(GgufValueType{read<std::uint32_t>(what)}, what);
        if (!m_file.m_entryIndex.emplace(entry.key, m_file.m_entries.size()).second)
            refuse("the metadata key " + what + " is there twice.");
        m_file.m_entries.push_back(entry);
    }
}

GgufValue GgufParser::readValue(GgufValueType type, const std::string& what) {
    const auto natural = [&](auto sample) -> GgufValue {
        return {type, std::uint64_t{read<decltype(sample)>(what)}};
    };
    const auto whole = [&](auto sample) -> GgufValue {
        return {type, std::int64_t{read<decltype(sample)>(what)}};
    };
    switch (type) {
    case GgufValueType::U8:
        return natural(std::uint8_t{});
    case GgufValueType::U16:
        return natural(std::uint16_t{});
    case GgufValueType::U32:
        return natural(std::uint32_t{});
    case GgufValueType::U64:
        return natural(std::uint64_t{});
    case GgufValueType::I8:
        return whole(std::int8_t{});
    case GgufValueType::I16:
        return whole(std::int16_t{});
    case GgufValueType::I32:
        return whole(std::int32_t{});
    case GgufValueType::I64:
        return whole(std::int64_t{});
    case GgufValueType::F32:
        return {type, double{read<float>(what)}};
    case GgufValueType::F64:
        return {type, read<double>(what)};
    case GgufValueType::Bool: {
        const auto byte = read<std::uint8_t>(what);
        if (byte > 1)
            refuse(what + ": a bool is " + std::to_string(byte) + ", expected is 0 or 1.");
        return {type, byte == 1};
    }
    case GgufValueType::Text:
        return {type, readText(remaining(), what)};
    case GgufValueType::Array:
        return {type, readArray(what)};
    }
    refuse(what + ": value type " + std::to_string(static_cast<std::uint32_t>(type)) + " does not exist.");
}

GgufArray GgufParser::readArray(const std::string& what) {
    const auto type = GgufValueType{read<std::uint32_t>(what)};
    const auto count = read<std::uint64_t>(what);
    if (type == GgufValueType::Array)
        refuse(what + ": an array of arrays cannot be read.");
    const bool text = type == GgufValueType::Text;
    const auto smallest = text ? 8 : elementBytes(type);
    if (smallest == 0)
        refuse(what + ": element type " + std::to_string(static_cast<std::uint32_t>(type)) +
               " does not exist.");
    if (count > remaining() / smallest)
        refuse(what + ": an array claims " + std::to_string(count) + " elements, the file has " +
               std::to_string(remaining()) + " more bytes.");
    if (!text)
        return {type, count, take(count * smallest, what)};
    checkHeader(count * smallest, what);
    const auto start = m_at;
    for (std::uint64_t i = 0; i < count; ++i)
        readText(remaining(), what);
    return {type, count, m_file.m_bytes.subspan(start, m_at - start)};
}

void GgufParser::readAlignment() {
    const auto alignment =
        m_file.integer("general.alignment", 1, static_cast<std::int64_t>(maximumAlignment)).value_or(32);
    if (!std::has_single_bit(static_cast<std::uint64_t>(alignment)))
        refuse("general.alignment is " + std::to_string(alignment) + ", expected is a power of two.");
    m_file.m_alignment = static_cast<std::uint64_t>(alignment);
}

void GgufParser::readTensors() {
    m_file.m_tensors.reserve(m_tensorCount);
    for (std::uint64_t i = 0; i < m_tensorCount; ++i) {
        auto tensor = readTensor(i);
        if (!m_file.m_tensorIndex.emplace(tensor.name, m_file.m_tensors.size()).second)
            refuse("the tensor " + forMessage(tensor.name) + " is there twice.");
        m_file.m_tensors.push_back(std::move(tensor));
    }
}

GgufTensor GgufParser::readTensor(std::uint64_t index) {
    GgufTensor tensor;
    tensor.name = readText(maximumNameBytes, "the name of tensor " + std::to_string(index));
    if (tensor.name.empty())
        refuse("the name of tensor " + std::to_string(index) + " is empty.");
    const auto what = forMessage(tensor.name);
    const auto axes = read<std::uint32_t>(what);
    if (axes < 1 || axes > 4)
        refuse(what + ": " + std::to_string(axes) + " axes, allowed are 1 to 4.");
    std::int64_t elements = 1;
    tensor.shape.resize(axes);
    for (std::uint32_t axis = 0; axis < axes; ++axis) {
        const auto extent = read<std::int64_t>(what);
        if (extent <= 0)
            refuse(what + ": axis " + std::to_string(axis) + " has the extent " + std::to_string(extent) +
                   ", expected is more than 0.");
        if (__builtin_mul_overflow(elements, extent, &elements))
            refuse(what + ": the product of its extents is beyond 64 bits.");
        tensor.shape[axes - 1 - axis] = extent;
    }
    tensor.elements = static_cast<std::uint64_t>(elements);
    tensor.type = GgufType{read<std::uint32_t>(what)};
    tensor.offset = read<std::uint64_t>(what);
    if (const auto block = ggufBlock(tensor.type)) {
        if (tensor.shape.back() % block->elements != 0)
            refuse(what + ": rows of " + std::to_string(tensor.shape.back()) +
                   " elements do not divide into blocks of " + std::to_string(block->elements) + " (" +
                   ggufTypeName(tensor.type) + ").");
        if (__builtin_mul_overflow(tensor.elements / block->elements, std::uint64_t{block->bytes},
                                   &tensor.bytes))
            refuse(what + ": its size is beyond 64 bits.");
    }
    return tensor;
}

void GgufParser::placeTensors() {
    const auto aligned = [&](std::uint64_t at, const std::string& what) {
        std::uint64_t sum = 0;
        if (__builtin_add_overflow(at, m_file.m_alignment - 1, &sum))
            refuse(what + ": its place in the file is beyond 64 bits.");
        return sum & ~(m_file.m_alignment - 1);
    };
    const auto total = m_file.m_bytes.size();
    const auto start = aligned(m_at, "the data");
    auto& tensors = m_file.m_tensors;
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        auto& tensor = tensors[i];
        const auto what = forMessage(tensor.name);
        if (tensor.offset != expected)
            refuse(what + ": expected at offset " + std::to_string(expected) + ", the file says " +
                   std::to_string(tensor.offset) + ".");
        std::uint64_t end = 0;
        if (!ggufBlock(tensor.type)) {
            // The layout is unknown, so its end is where the next one starts, or the file's.
            const bool last = i + 1 == tensors.size();
            end = last ? std::max(tensor.offset, total - std::min<std::uint64_t>(start, total))
                       : tensors[i + 1].offset;
            if (end < tensor.offset || (!last && end % m_file.m_alignment != 0))
                refuse(what + ": starts at offset " + std::to_string(tensor.offset) +
                       ", the next tensor at " + std::to_string(end) + ".");
            tensor.bytes = end - tensor.offset;
        }
        if (__builtin_add_overflow(tensor.offset, tensor.bytes, &end) ||
            __builtin_add_overflow(tensor.offset, start, &tensor.offset) || tensor.offset > total ||
            tensor.bytes > total - tensor.offset)
            refuse(what + ": needs " + std::to_string(tensor.bytes) + " bytes at " +
                   std::to_string(tensor.offset) + ", the file has " + std::to_string(total) + ".");
        expected = aligned(end, what);
    }
}

GgufFile GgufFile::parse(std::span<const std::byte> bytes, const std::string& origin) {
    GgufFile file;
    file.m_bytes = bytes;
    file.m_origin = origin;
    GgufParser(file).run();
    return file;
}

GgufFile GgufFile::open(const std::string& path) {
    auto mapping = std::make_shared<const MappedFile>(path);
    auto file = parse(mapping->bytes(), path);
    file.m_mapping = std::move(mapping);
    return file;
}

} // namespace azimuth
