// The model of the last job, kept so that a process that runs many jobs loads it once. One thread (the
// engine's).
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

// phase, done, total; false stops with Error "cancelled".
using LoadProgress = std::function<bool(const char* phase, std::uint64_t done, std::uint64_t total)>;

class LoadedModel {
public:
    const Model& description() const { return m_description; } // named as the study names it
    const Checkpoint& checkpoint() const { return m_checkpoint; }
    const Renderer& renderer();                           // made when first asked for
    bool isLoaded() const { return m_decoder.has_value(); }
    const Decoder& decoder(const LoadProgress& progress); // weights are read when first asked for

private:
    friend class ModelCache;
    LoadedModel(Checkpoint checkpoint, Model description, at::Device device);
    Checkpoint m_checkpoint;
    Model m_description;
    at::Device m_device;
    std::optional<Renderer> m_renderer;
    std::optional<Decoder> m_decoder;
};

class ModelCache {
public:
    // Finds, opens and identifies the model. Errors: model.missing, model.folder, model.sha256 and
    // model.identity (both values), those of Checkpoint.
    LoadedModel& open(const JobModel& wanted, const std::vector<std::string>& searchFolders,
                      at::Device device, const LoadProgress& progress);

private:
    std::string m_tag; // path, time, precision and device of what is kept
    std::unique_ptr<LoadedModel> m_model;
    DigestCache m_digests;
};

} // namespace azimuth
