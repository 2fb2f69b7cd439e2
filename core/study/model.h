// A Model is a checkpoint with identity. A ModelReference is how a study names one before it is found.
#pragma once

#include "core/base/json.h"
#include "core/base/json_reader.h"
#include "core/study/precision.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace azimuth {

struct ModelReference {
    std::string name; // unique in the study
    std::string find; // a file name or path, or org/name@revision
    std::optional<std::string> sha256; // weightsDigest(); checked when the model is found
    Precision precision = Precision::Fp32;
    bool calibrate = true; // whether the study sweeps this model
};

struct Model {
    std::string identity; // 64 hex digits; contracts: identity
    std::string name; // the study's name, or the file's
    std::string family; // architecture name: llama, gemma3
    std::int64_t blocks = 0; // L
    std::int64_t width = 0; // d
    std::int64_t vocabulary = 0; // embedding rows
    std::int64_t parameters = 0;
    std::string storage; // how weights lie on disk: "dequantised Q4_1", "bf16"
    Precision compute = Precision::Fp32;
    bool hasTemplate = false;
    std::int64_t contextLength = 0;
    std::uint64_t fileBytes = 0;
    std::uint64_t memoryBytes = 0; // weights at compute precision
    std::vector<std::string> weightsSha256; // one per file, in file order
    std::string configSha256, tokenizerSha256, templateSha256;
    std::string fileName; // base name only: paths are not stored

    friend bool operator==(const Model&, const Model&) = default;
};

// SHA-256 of the canonical JSON {weights, config, tokenizer, template, storage, compute}.
std::string modelIdentity(const Model& model);

// What a study's `sha256` names: of one weights file its SHA-256, of several the SHA-256 of their hexadecimal
// digests one after the other, in file order. Empty where no digest is known.
std::string weightsDigest(const Model& model);

Json toJson(const ModelReference& reference);
ModelReference readModelReference(JsonObject& object);
Json toJson(const Model& model);
Model readModel(JsonObject& object);

} // namespace azimuth
