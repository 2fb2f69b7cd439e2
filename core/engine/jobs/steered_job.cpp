#include "core/engine/jobs/steered_job.h"

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/container/safetensors.h"

#include <ATen/ops/empty.h>
#include <cstring>

namespace azimuth {
namespace {

at::Tensor readBlob(const Job& job, const std::string& blob, std::int64_t width) {
    const auto path = job.submission().blobs + "/" + blob + ".safetensors";
    const auto found = toHex(sha256File(path));
    if (found != blob)
        throw Error("blob.digest",
                    path + ": its SHA-256 is " + found.substr(0, 12) + "\u2026, expected " +
                        blob.substr(0, 12) + "\u2026.",
                    "Run the study again: the direction is written anew.");
    const auto values = SafetensorsFile::open(path).floats("direction", {-1});
    if (static_cast<std::int64_t>(values.size()) != width)
        throw Error("steering.direction",
                    "The direction has width " + std::to_string(values.size()) + ", the model has width " +
                        std::to_string(width) + ".",
                    "A direction can be added only to a model of its own width.");
    at::Tensor tensor = at::empty({width}, at::kFloat);
    std::memcpy(tensor.mutable_data_ptr<float>(), values.data(), values.size() * sizeof(float));
    return tensor;
}

} // namespace

DirectionResolver directionsOf(const Job& job, const std::map<std::string, std::string>& blobs,
                               std::int64_t width) {
    return [&job, &blobs, width](const std::string& digest) {
        const auto blob = blobs.find(digest);
        if (blob == blobs.end())
            throw Error("blob.missing",
                        "The job has no file for the direction " + digest.substr(0, 12) + "\u2026.",
                        "Run the study again: the job is written anew.");
        return readBlob(job, blob->second, width);
    };
}

} // namespace azimuth
