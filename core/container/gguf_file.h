// Reads a GGUF file, version 2 or 3, little endian (source: ggml's gguf.cpp).
// After open() every name, length, count, shape and range has been checked against the file, nothing was
// allocated on the word of the file, and no tensor byte was read: open() costs the header only. Refused:
// other versions and byte order, duplicate keys or tensors, nested arrays, an alignment that is not a power
// of two up to 1 MiB, tensors that are not laid one after the other, a file shorter than its tensors. Tensors
// of a type that cannot be read are listed with their type; only dequantising them is refused. Views stay
// valid while the object or a copy lives. Immutable: any thread may read. Errors: gguf.syntax (message names
// file, object, both values), gguf.metadata (a key has another type than asked for), file.*.
#pragma once

#include "core/container/gguf_types.h"
#include "core/container/mapped_file.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace azimuth {

enum class GgufValueType : std::uint32_t {
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    Text = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
};
std::string_view ggufValueTypeName(GgufValueType type);

// An array as it lies in the file; decoded when asked for.
struct GgufArray {
    GgufValueType elementType = GgufValueType::U8;
    std::uint64_t count = 0;
    std::span<const std::byte> encoded; // complete: count elements, checked
};

// Integers of every width are widened; the type says which one it was.
struct GgufValue {
    GgufValueType type = GgufValueType::U8;
    std::variant<std::uint64_t, std::int64_t, double, bool, std::string_view, GgufArray> value;
};

struct GgufEntry {
    std::string_view key; // unique, not empty; bytes of the file, perhaps not UTF-8
    GgufValue value;
};

struct GgufTensor {
    std::string name; // unique, not empty
    GgufType type = GgufType::F32;
    std::vector<std::int64_t> shape; // 1 to 4 axes, all > 0, slowest first: the reverse of the file's ne
    std::uint64_t elements = 0;
    // In the file; bytes reach to the next tensor where the layout of the type is unknown.
    std::uint64_t offset = 0, bytes = 0;
};

class GgufFile {
public:
    static GgufFile open(const std::string& path);
    // For bytes in memory; they must outlive the object. `origin` names them in errors.
    static GgufFile parse(std::span<const std::byte> bytes, const std::string& origin);

    const std::string& origin() const { return m_origin; }
    std::uint32_t version() const { return m_version; }
    std::uint64_t alignment() const { return m_alignment; }
    std::uint64_t fileBytes() const { return m_bytes.size(); }
    const std::vector<GgufEntry>& entries() const { return m_entries; }  // in file order
    const std::vector<GgufTensor>& tensors() const { return m_tensors; } // in file order

    const GgufValue* find(std::string_view key) const; // null if missing
    const GgufTensor* findTensor(std::string_view name) const;
    std::span<const std::byte> data(const GgufTensor& tensor) const; // of this file

    // Typed look-ups: nothing if the key is missing, error gguf.metadata if its type or range does not fit.
    std::optional<std::int64_t> integer(std::string_view key, std::int64_t minimum,
                                        std::int64_t maximum) const;
    std::optional<double> number(std::string_view key) const; // f32, f64 or any integer; finite
    std::optional<bool> boolean(std::string_view key) const;
    std::optional<std::string> text(std::string_view key) const;                    // UTF-8
    std::optional<std::vector<std::string_view>> texts(std::string_view key) const; // as bytes
    std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;
    std::optional<std::vector<float>> floats(std::string_view key) const; // f32 array, finite

    const std::shared_ptr<const MappedFile>& mapping() const { return m_mapping; } // null after parse()

private:
    friend class GgufParser;
    GgufFile() = default;
    const GgufArray* array(std::string_view key, std::string_view wanted) const;
    [[noreturn]] void refuse(std::string_view key, const std::string& finding) const;

    std::string m_origin;
    std::shared_ptr<const MappedFile> m_mapping;
    std::span<const std::byte> m_bytes;
    std::uint32_t m_version = 0;
    std::uint64_t m_alignment = 32;
    std::vector<GgufEntry> m_entries;
    std::vector<GgufTensor> m_tensors;
    std::unordered_map<std::string_view, std::size_t> m_entryIndex;
    std::unordered_map<std::string, std::size_t> m_tensorIndex;
};

// Elements of an array, decoded. The element type must be Text / an integer or bool type / F32 or F64.
std::vector<std::string_view> ggufTexts(const GgufArray& array);
std::vector<std::int64_t> ggufIntegers(const GgufArray& array); // a u64 above 2^63 - 1 is an error
std::vector<double> ggufNumbers(const GgufArray& array);

} // namespace azimuth
