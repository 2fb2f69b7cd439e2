// A GGUF file: whatever it says, every view lies inside it.
#include "core/container/gguf_file.h"
#include "tests/fuzz/fuzz.h"

using namespace azimuth;
using namespace azimuth::fuzz;

namespace {

std::uint64_t touched(std::span<const std::byte> bytes) {
    return bytes.empty()
               ? 0
               : static_cast<std::uint64_t>(bytes.front()) + static_cast<std::uint64_t>(bytes.back());
}

void readArray(const GgufArray& array) {
    touched(array.encoded);
    if (array.elementType == GgufValueType::Text)
        for (const auto text : ggufTexts(array))
            touched(std::as_bytes(std::span(text)));
    orRefused([&] { promise(ggufIntegers(array).size() == array.count, "an integer for each element"); });
    orRefused([&] { promise(ggufNumbers(array).size() == array.count, "a number for each element"); });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    orRefused([&] {
        const GgufFile file = GgufFile::parse(bytes, "input");
        for (const auto& entry : file.entries()) {
            promise(file.find(entry.key) != nullptr, "an entry is found by its key");
            if (const auto* array = std::get_if<GgufArray>(&entry.value.value))
                orRefused([&] { readArray(*array); });
            orRefused([&] { file.integer(entry.key, INT64_MIN, INT64_MAX); });
            orRefused([&] { file.number(entry.key); });
            orRefused([&] { file.boolean(entry.key); });
            orRefused([&] { file.text(entry.key); });
            orRefused([&] { file.texts(entry.key); });
            orRefused([&] { file.integers(entry.key); });
            orRefused([&] { file.floats(entry.key); });
        }
        for (const auto& tensor : file.tensors()) {
            promise(file.findTensor(tensor.name) == &tensor, "a tensor is found by its name");
            const auto view = file.data(tensor);
            promise(view.empty() ||
                        (view.data() >= bytes.data() && view.data() + view.size() <= bytes.data() + size),
                    "a tensor lies in the file");
            touched(view);
        }
    });
    return 0;
}
