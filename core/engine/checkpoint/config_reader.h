// Hyperparameters from the config.json of a Hugging Face folder, as transformers 5.17 understands it: with
// the defaults of the family's configuration class where a key is missing, the keys of version 4 (rope_theta,
// rope_scaling, rope_local_base_freq, sliding_window_pattern) and 5 (rope_parameters, layer_types).
// The multimodal Gemma 3 is read as its text_config.
//
// Errors: checkpoint.family (architecture, activation, rope type, quantisation or feature that Azimuth does
// not compute: what was found and what is supported), checkpoint.metadata (wrong type or range, or numbers
// that contradict each other). Ranges as in hyperparameters_reader.h.
#pragma once

#include "core/base/json.h"
#include "core/engine/checkpoint/config_object.h"
#include "core/engine/checkpoint/hyperparameters.h"
#include "core/engine/checkpoint/tensor_names.h"

namespace azimuth {

// `has` says which tensors the folder holds: a model without a head is tied whatever its configuration says.
Hyperparameters readConfig(const Json& config, const std::string& origin, const HasTensor& has);

// The rotary embedding that one object of rope parameters (version 4: rope_scaling) describes.
struct RopeDefaults {
    std::int64_t headWidth = 0;
    double theta = 10000;            // where the object has none
    double partialFactor = 1;        // likewise: the share of the head's width that rotates
    bool partialAllowed = false;     // phi3, gpt_neox
    bool oldNamesAreLongrope = false; // phi3: "su" and "yarn"
    std::int64_t contextLength = 0;
    std::optional<std::int64_t> originalContext; // of the configuration; wins over the object's
};
RopeParameters readRope(const std::optional<ConfigObject>& rope, const ConfigObject& config,
                        const RopeDefaults& defaults);

} // namespace azimuth
