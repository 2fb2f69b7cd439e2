// Writes GGUF bytes for tests, right ones and wrong ones.
#pragma once

#include "core/container/gguf_file.h"

#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth::test {

class GgufBuilder {
public:
    std::uint32_t version = 3;
    std::uint64_t alignment = 32;

    template <class T> static std::string raw(T value) {
        return std::string(reinterpret_cast<const char*>(&value), sizeof value);
    }
    static std::string text(std::string_view value) {
        return raw(std::uint64_t{value.size()}) + std::string(value);
    }

    void entry(const std::string& key, GgufValueType type, const std::string& encoded) {
        m_entries += text(key) + raw(static_cast<std::uint32_t>(type)) + encoded;
        ++entryCount;
    }
    void u32(const std::string& key, std::uint32_t value) { entry(key, GgufValueType::U32, raw(value)); }
    void f32(const std::string& key, float value) { entry(key, GgufValueType::F32, raw(value)); }
    void boolean(const std::string& key, bool value) {
        entry(key, GgufValueType::Bool, raw(std::uint8_t{value}));
    }
    void string(const std::string& key, std::string_view value) {
        entry(key, GgufValueType::Text, text(value));
    }
    void array(const std::string& key, GgufValueType element, std::uint64_t count,
               const std::string& encoded) {
        entry(key, GgufValueType::Array, raw(static_cast<std::uint32_t>(element)) + raw(count) + encoded);
    }
    void strings(const std::string& key, const std::vector<std::string>& values) {
        std::string encoded;
        for (const auto& value : values)
            encoded += text(value);
        array(key, GgufValueType::Text, values.size(), encoded);
    }
    template <class T>
    void numbers(const std::string& key, GgufValueType element, const std::vector<T>& values) {
        std::string encoded;
        for (const auto value : values)
            encoded += raw(value);
        array(key, element, values.size(), encoded);
    }

    // shape is slowest first, as GgufTensor has it.
    void tensor(const std::string& name, GgufType type, const std::vector<std::int64_t>& shape,
                const std::string& data) {
        m_tensors.push_back({name, type, shape, data});
    }
    void floats(const std::string& name, const std::vector<std::int64_t>& shape,
                const std::vector<float>& values) {
        tensor(name, GgufType::F32, shape,
               std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)));
    }

    std::string bytes() const {
        std::string header = "GGUF" + raw(version) +
                             raw(tensorCount ? tensorCount : std::uint64_t{m_tensors.size()}) +
                             raw(entryCount) + m_entries;
        std::string data;
        for (const auto& item : m_tensors) {
            header += text(item.name) + raw(static_cast<std::uint32_t>(item.shape.size()));
            for (auto extent = item.shape.rbegin(); extent != item.shape.rend(); ++extent)
                header += raw(*extent);
            header += raw(static_cast<std::uint32_t>(item.type)) + raw(std::uint64_t{data.size()});
            data += item.data;
            pad(data);
        }
        headerBytes = header.size();
        pad(header);
        return header + data;
    }

    std::uint64_t entryCount = 0, tensorCount = 0; // tensorCount 0: the right one
    mutable std::size_t headerBytes = 0;           // of the last bytes(), without padding

private:
    struct Item {
        std::string name;
        GgufType type;
        std::vector<std::int64_t> shape;
        std::string data;
    };
    void pad(std::string& bytes) const {
        bytes.append((alignment - bytes.size() % alignment) % alignment, '\0');
    }

    std::string m_entries;
    std::vector<Item> m_tensors;
};

inline std::span<const std::byte> bytesOf(const std::string& text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

} // namespace azimuth::test
