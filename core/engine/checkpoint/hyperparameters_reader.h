// Hyperparameters from GGUF metadata. Errors: checkpoint.family (architecture or feature that Azimuth does
// not compute, by name), checkpoint.metadata (missing or out of range, with the key and both values),
// gguf.metadata (wrong type). Range: blocks <= 1,024, width <= 65,536, head width <= 1,024, heads <= 1,024,
// feed-forward <= 2^20, vocabulary <= 2^23. Sources of the defaults: llama.cpp's llama-model.cpp and
// transformers' configuration classes.
#pragma once

#include "core/container/gguf_file.h"
#include "core/engine/checkpoint/hyperparameters.h"

namespace azimuth {

Hyperparameters readHyperparameters(const GgufFile& file);

} // namespace azimuth
