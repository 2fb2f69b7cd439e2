// Tiny Hugging Face folders with values that say where they came from: tensor i, element j is i + j / 1024.
#pragma once

#include "core/base/atomic_file.h"
#include "core/base/json.h"
#include "core/container/half.h"
#include "core/container/safetensors.h"

#include <c10/util/Half.h>
#include <QDir>
#include <string>
#include <utility>
#include <vector>

namespace azimuth::test {

struct TinyFolder {
    using Tensors = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

    Json config;
    Tensors tensors;                            // in this order: their index is in their values
    DType type = DType::F32;                    // F32, BF16 or F16 (values are rounded)
    std::vector<std::vector<std::string>> shards; // names per file; empty: one model.safetensors

    static float value(std::size_t tensor, std::int64_t element) {
        return static_cast<float>(tensor) + static_cast<float>(element) / 1024;
    }
    std::size_t indexOf(const std::string& name) const {
        for (std::size_t i = 0; i < tensors.size(); ++i)
            if (tensors[i].first == name)
                return i;
        return tensors.size();
    }
    float stored(const std::string& name, std::int64_t element) const {
        return value(indexOf(name), element);
    }
    void drop(const std::string& name) {
        std::erase_if(tensors, [&](const auto& tensor) { return tensor.first == name; });
    }
    std::vector<std::int64_t>& shape(const std::string& name) { return tensors[indexOf(name)].second; }

    void writeWeights(const std::string& path, const std::vector<std::string>& names) const {
        std::vector<SafetensorsDeclaration> declarations;
        for (const auto& name : names)
            declarations.push_back({name, type, tensors[indexOf(name)].second});
        SafetensorsWriter writer(path, declarations, {{"format", "pt"}});
        for (const auto& name : names) {
            std::int64_t count = 1;
            for (const auto extent : tensors[indexOf(name)].second)
                count *= extent;
            std::vector<float> values;
            for (std::int64_t j = 0; j < count; ++j)
                values.push_back(stored(name, j));
            if (type == DType::F32) {
                writer.append(name, std::span<const float>(values));
                continue;
            }
            std::vector<std::uint16_t> halves;
            for (const float value : values)
                halves.push_back(type == DType::F16 ? c10::Half(value).x : floatToBfloat(value));
            writer.append(name, std::span<const std::uint16_t>(halves));
        }
        writer.finish();
    }

    Json index() const {
        Json map = Json::object();
        for (std::size_t i = 0; i < shards.size(); ++i)
            for (const auto& name : shards[i])
                map[name] = shardName(i);
        return {{"metadata", {{"total_size", 1}}}, {"weight_map", map}};
    }
    std::string shardName(std::size_t shard) const {
        return "model-0000" + std::to_string(shard + 1) + "-of-0000" + std::to_string(shards.size()) +
               ".safetensors";
    }

    void write(const std::string& folder) const {
        QDir().mkpath(QString::fromStdString(folder));
        writeFileAtomically(folder + "/config.json", config.dump());
        if (shards.empty()) {
            std::vector<std::string> names;
            for (const auto& tensor : tensors)
                names.push_back(tensor.first);
            return writeWeights(folder + "/model.safetensors", names);
        }
        for (std::size_t i = 0; i < shards.size(); ++i)
            writeWeights(folder + "/" + shardName(i), shards[i]);
        writeFileAtomically(folder + "/model.safetensors.index.json", index().dump());
    }
};

inline TinyFolder tinyLlama(const std::string& prefix = "model.", bool tied = true) {
    TinyFolder folder;
    folder.config = {{"model_type", "llama"},
                     {"architectures", {"LlamaForCausalLM"}},
                     {"hidden_size", 32},
                     {"intermediate_size", 64},
                     {"num_hidden_layers", 2},
                     {"num_attention_heads", 4},
                     {"num_key_value_heads", 2},
                     {"vocab_size", 40},
                     {"max_position_embeddings", 128},
                     {"rms_norm_eps", 1e-5},
                     {"rope_theta", 100000.0},
                     {"hidden_act", "silu"},
                     {"tie_word_embeddings", tied},
                     {"torch_dtype", "float32"}};
    auto& t = folder.tensors;
    t = {{prefix + "embed_tokens.weight", {40, 32}}, {prefix + "norm.weight", {32}}};
    if (!tied)
        t.push_back({"lm_head.weight", {40, 32}});
    for (int b = 0; b < 2; ++b) {
        const auto block = prefix + "layers." + std::to_string(b) + ".";
        for (const auto& [name, shape] : TinyFolder::Tensors{{"input_layernorm", {32}},
                                                             {"self_attn.q_proj", {32, 32}},
                                                             {"self_attn.k_proj", {16, 32}},
                                                             {"self_attn.v_proj", {16, 32}},
                                                             {"self_attn.o_proj", {32, 32}},
                                                             {"post_attention_layernorm", {32}},
                                                             {"mlp.gate_proj", {64, 32}},
                                                             {"mlp.up_proj", {64, 32}},
                                                             {"mlp.down_proj", {32, 64}}})
            t.push_back({block + name + ".weight", shape});
    }
    return folder;
}

} // namespace azimuth::test
