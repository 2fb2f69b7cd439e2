// The model that the engine holds: found, identified, its tokenizer, and its weights once a job computes. One
// model at a time: another one takes its place before it is loaded, so that two never lie in memory.
#pragma once

#include "core/engine/checkpoint/checkpoint.h"
#include "core/engine/checkpoint/identity.h"
#include "core/engine/model/decoder.h"
#include "core/engine/text/renderer.h"
#include "core/protocol/job.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace azimuth {

struct LoadedModel {
    std::string path;
    Checkpoint checkpoint;
    Model description; // name: the reference's
    std::shared_ptr<const Renderer> renderer;

    RenderedPrompt render(const JobPrompt& prompt,
                          const Rendering& rendering) const; // errors name the prompt's id
};

class ModelStore {
public:
    // done, total, unit, phase; false: Error "cancelled".
    using Progress = std::function<bool(double, double, const char*, const char*)>;

    // Errors: model.missing, model.identity, model.sha256 (both digests), checkpoint.*, text.*.
    const LoadedModel& open(const Submission& submission, const Progress& progress);
    // Of the model that is open. Error model.device for a device that is not there.
    const Decoder& decoder(const Submission& submission, const Progress& progress);
    void release(); // frees the weights

private:
    std::optional<LoadedModel> m_model;
    FileStamp m_stamp{};
    std::optional<Decoder> m_decoder;
    std::string m_device;
};

} // namespace azimuth
