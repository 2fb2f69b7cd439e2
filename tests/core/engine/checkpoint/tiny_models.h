// Tiny GGUF models with values that say where they came from: tensor i, element j is i + j / 1024.
#pragma once

#include "tests/core/container/gguf_builder.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace azimuth::test {

struct TinyModel {
    std::string family = "llama";
    std::int64_t blocks = 2, width = 32, feedForward = 64, heads = 4, kvHeads = 2, headWidth = 8,
                 vocabulary = 40;
    bool tied = true;
    std::string leaveOut; // name of a tensor
    std::map<std::string, std::vector<std::int64_t>> otherShapes;
    std::map<std::string, GgufType> otherTypes;          // with data of zeros
    std::map<std::string, std::pair<std::size_t, std::string>> otherBytes; // of them: at a place in the data
    std::optional<std::pair<std::string, float>> poison; // one element of a tensor
    std::vector<std::string> extra;
    std::function<void(GgufBuilder&)> metadata; // called last

    static std::vector<float> valuesOf(std::size_t index, std::int64_t count) {
        std::vector<float> values(static_cast<std::size_t>(count));
        for (std::size_t j = 0; j < values.size(); ++j)
            values[j] = static_cast<float>(index) + static_cast<float>(j) / 1024;
        return values;
    }

    // In file order: name and shape.
    std::vector<std::pair<std::string, std::vector<std::int64_t>>> tensors() const {
        const auto queries = heads * headWidth, keys = kvHeads * headWidth;
        std::vector<std::pair<std::string, std::vector<std::int64_t>>> list{
            {"token_embd.weight", {vocabulary, width}}, {"output_norm.weight", {width}}};
        if (!tied)
            list.push_back({"output.weight", {vocabulary, width}});
        for (std::int64_t b = 0; b < blocks; ++b) {
            const auto add = [&](const char* name, const std::vector<std::int64_t>& shape) {
                list.push_back({"blk." + std::to_string(b) + "." + name + ".weight", shape});
            };
            add("attn_norm", {width}), add("attn_q", {queries, width}), add("attn_k", {keys, width});
            add("attn_v", {keys, width}), add("attn_output", {width, queries}), add("ffn_norm", {width});
            add("ffn_gate", {feedForward, width}), add("ffn_up", {feedForward, width});
            add("ffn_down", {width, feedForward});
            if (family == "gemma3") {
                add("attn_q_norm", {headWidth}), add("attn_k_norm", {headWidth});
                add("post_attention_norm", {width}), add("post_ffw_norm", {width});
            }
        }
        for (const auto& name : extra)
            list.push_back({name, {1}});
        return list;
    }

    GgufBuilder builder() const {
        GgufBuilder out;
        const auto key = [&](const char* name) { return family + "." + name; };
        const auto u32 = [&](const char* name, std::int64_t value) {
            out.u32(key(name), static_cast<std::uint32_t>(value));
        };
        out.string("general.architecture", family);
        u32("block_count", blocks), u32("embedding_length", width), u32("feed_forward_length", feedForward);
        u32("context_length", 128), u32("attention.head_count", heads),
            u32("attention.head_count_kv", kvHeads);
        u32("attention.key_length", headWidth), u32("attention.value_length", headWidth);
        out.f32(key("attention.layer_norm_rms_epsilon"), 1e-5f);
        out.f32(key("rope.freq_base"), 1e5f);
        out.string("tokenizer.ggml.model", "gpt2");
        out.strings("tokenizer.ggml.tokens", {"<|end|>", "a", "b", "ab"});
        out.numbers<std::int32_t>("tokenizer.ggml.token_type", GgufValueType::I32, {3, 1, 1, 1});
        out.strings("tokenizer.ggml.merges", {"a b"});
        out.u32("tokenizer.ggml.eos_token_id", 0);
        if (metadata)
            metadata(out);
        std::size_t index = 0;
        for (const auto& [name, given] : tensors()) {
            const auto other = otherShapes.find(name);
            const auto& shape = other == otherShapes.end() ? given : other->second;
            std::int64_t count = 1;
            for (const auto extent : shape)
                count *= extent;
            auto values = valuesOf(index++, count);
            if (name == leaveOut)
                continue;
            if (poison && poison->first == name)
                values[values.size() / 2] = poison->second;
            if (const auto type = otherTypes.find(name); type != otherTypes.end()) {
                const auto block = ggufBlock(type->second).value_or(GgufBlock{1, 4});
                std::string data(static_cast<std::size_t>(count) / block.elements * block.bytes, '\0');
                if (const auto bytes = otherBytes.find(name); bytes != otherBytes.end())
                    data.replace(bytes->second.first, bytes->second.second.size(), bytes->second.second);
                out.tensor(name, type->second, shape, data);
            } else
                out.floats(name, shape, values);
        }
        return out;
    }
};

} // namespace azimuth::test
