// A safetensors file: the tensors are inside it, and have as many values as their shape says.
#include "core/container/safetensors.h"
#include "tests/fuzz/fuzz.h"

using namespace azimuth;
using namespace azimuth::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    orRefused([&] {
        const SafetensorsFile file = SafetensorsFile::parse(bytes, "input");
        std::uint64_t sum = 0;
        for (const auto& tensor : file.tensors()) {
            const auto view = file.data(tensor);
            promise(view.size() == tensor.bytes, "as many bytes as stated");
            promise(view.empty() ||
                        (view.data() >= bytes.data() && view.data() + view.size() <= bytes.data() + size),
                    "a tensor lies in the file");
            sum += tensor.bytes;
            std::uint64_t elements = 1;
            for (const auto extent : tensor.shape)
                elements *= static_cast<std::uint64_t>(extent);
            const std::vector<std::int64_t> any(tensor.shape.size(), -1);
            orRefused([&] {
                promise(file.floats(tensor.name, any).size() == elements, "a value for each element");
            });
            orRefused(
                [&] { promise(file.integers(tensor.name).size() == elements, "a value for each element"); });
        }
        promise(sum <= size, "tensors do not overlap");
    });
    return 0;
}
