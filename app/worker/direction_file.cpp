#include "app/worker/direction_file.h"

#include "core/base/error.h"
#include "core/container/safetensors.h"

#include <cmath>

namespace azimuth::worker {

namespace {
std::string shapeText(const std::vector<std::int64_t>& shape) {
    std::string text = "[";
    for (const auto extent : shape)
        text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
    return text + "]";
}
} // namespace

GivenDirection readDirectionFile(const std::string& path) {
    const auto file = SafetensorsFile::open(path);
    const std::string remedy = "Save one F32 tensor of shape [d] under the name direction.";
    if (file.tensors().size() != 1 || file.tensors().front().name != "direction")
        throw Error(
            "direction.file",
            path + ": expected exactly one tensor, direction; found " +
                std::to_string(file.tensors().size()) +
                (file.tensors().empty() ? "." : ", the first is " + file.tensors().front().name + "."),
            remedy);
    const auto& tensor = file.tensors().front();
    if (tensor.type != DType::F32 || tensor.shape.size() != 1 || tensor.shape.front() < 1)
        throw Error("direction.file",
                    path + ": expected direction F32 [d], found " + std::string(dtypeName(tensor.type)) +
                        " " + shapeText(tensor.shape) + ".",
                    remedy);
    GivenDirection out;
    out.unit = file.floats("direction", {-1});
    double squares = 0;
    for (const float value : out.unit) {
        if (!std::isfinite(value))
            throw Error("direction.finite", path + ": direction holds a value that is not finite.", remedy);
        squares += static_cast<double>(value) * static_cast<double>(value);
    }
    out.norm = std::sqrt(squares);
    if (!(out.norm > 0))
        throw Error("direction.zero", path + ": direction is all zeros, so it points nowhere.",
                    "Give another direction.");
    for (auto& value : out.unit)
        value = static_cast<float>(static_cast<double>(value) / out.norm);
    return out;
}

} // namespace azimuth::worker
