// Safetensors: an eight-byte length, a JSON header, the tensors without holes (as the safetensors crate).
#pragma once

#include "core/base/atomic_file.h"
#include "core/container/mapped_file.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth {

// In the order of the crate: a writer puts the later ones first, which keeps each tensor aligned to its
// element.
enum class DType {
    Bool,
    F4,
    F6E2M3,
    F6E3M2,
    U8,
    I8,
    F8E5M2,
    F8E4M3,
    F8E8M0,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    C64,
    F64,
    I64,
    U64
};

std::string_view dtypeName(DType type); // as in the header: "BF16", "F8_E4M3"
std::optional<DType> dtypeFromName(std::string_view name);
std::uint32_t dtypeBits(DType type);

struct SafetensorsTensor {
    std::string name;
    DType type = DType::F32;
    std::vector<std::int64_t> shape;     // row-major, may be empty (one value) or hold zeros
    std::uint64_t offset = 0, bytes = 0; // in the file
};

// After open() the header is complete and right: known dtypes, unique names, sizes that equal shape x dtype,
// tensors one after the other from the first to the last byte of the file. No tensor byte was read. Error
// safetensors.syntax names file, tensor and both values; safetensors.tensor for a look-up. Immutable: any
// thread may read; views live with the object.
class SafetensorsFile {
public:
    static SafetensorsFile open(const std::string& path);
    static SafetensorsFile parse(std::span<const std::byte> bytes,
                                 const std::string& origin); // bytes must outlive it

    const std::string& origin() const { return m_origin; }
    const std::vector<SafetensorsTensor>& tensors() const { return m_tensors; } // in order of the data
    const std::map<std::string, std::string>& metadata() const { return m_metadata; }

    const SafetensorsTensor* find(std::string_view name) const; // null if missing
    const SafetensorsTensor& at(std::string_view name) const;   // error names the tensors that are there
    std::span<const std::byte> data(const SafetensorsTensor& tensor) const; // perhaps unaligned

    // The values of an F32, F16, BF16 or F64 tensor, rounded once to float where it is F64. `shape` is what
    // is expected, -1 for any extent. Non-finite values are kept.
    std::vector<float> floats(std::string_view name, const std::vector<std::int64_t>& shape) const;
    std::vector<std::int64_t> integers(std::string_view name) const; // I8 U8 I16 U16 I32 U32 I64

    const std::shared_ptr<const MappedFile>& mapping() const { return m_mapping; } // null after parse()

private:
    std::string m_origin;
    std::shared_ptr<const MappedFile> m_mapping;
    std::span<const std::byte> m_bytes;
    std::vector<SafetensorsTensor> m_tensors;
    std::map<std::string, std::string> m_metadata;
};

struct SafetensorsDeclaration {
    std::string name;
    DType type = DType::F32;
    std::vector<std::int64_t> shape;
};

// Writes one file through AtomicFile: all tensors are declared first, then filled in any order, piece by
// piece. The same declarations, metadata and values give the same bytes, those of the crate's `serialize`.
// Nothing appears at the path before finish(). One thread per object.
class SafetensorsWriter {
public:
    // Error safetensors.declaration (name twice, "__metadata__", negative or too large shape, not UTF-8),
    // file.*.
    SafetensorsWriter(std::string path, std::vector<SafetensorsDeclaration> tensors,
                      const std::map<std::string, std::string>& metadata = {});

    // The next bytes of a tensor, row-major, little endian. Error safetensors.overflow beyond its size.
    void append(std::string_view name, std::span<const std::byte> bytes);
    template <class T> void append(std::string_view name, std::span<const T> values) {
        append(name, std::as_bytes(values));
    }

    void finish(); // error safetensors.incomplete if a tensor lacks bytes; then publishes

private:
    struct Slot {
        std::uint64_t offset = 0, bytes = 0, written = 0;
    };
    using Slots = std::map<std::string, Slot, std::less<>>;
    SafetensorsWriter(const std::string& path, const std::string& header,
                      const std::vector<SafetensorsDeclaration>& sorted);
    Slots slotsOf(const std::string& path, const std::string& header,
                  const std::vector<SafetensorsDeclaration>& sorted);

    std::uint64_t m_end = 0; // of the file
    Slots m_slots;
    AtomicFile m_file;
};

// A direction for jobs: writes <SHA-256 of the file>.safetensors, one F32 tensor `direction` without
// metadata, into an existing folder and returns that digest. Error file.*.
std::string writeDirectionBlob(const std::string& folder, std::span<const float> unit);

} // namespace azimuth
