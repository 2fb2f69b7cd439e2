#include "core/engine/checkpoint/hyperparameters_reader.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/engine/checkpoint/dequantise.h"
#include "core/engine/checkpoint/tensor_names.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace azimuth {
namespace {

class Reader {
public:
    explicit Reader(const GgufFile& file) : m_file(file) {}

    Hyperparameters read() {
        refuseSplit();
        m_values.family = m_file.text("general.architecture").value_or("");
        if (m_values.family != "llama" && m_values.family != "gemma3")
            unsupported("the architecture \"" + forMessage(m_values.family) +
                        "\" is not supported; supported are gemma3, llama.");
        readCounts();
        readAttention();
        readRope();
        if (m_values.family == "gemma3")
            readGemma();
        else if (m_values.window > 0) {
            m_values.windowed.assign(static_cast<std::size_t>(m_values.blocks), true);
            m_values.windowRope = m_values.rope;
        }
        refuseFeatures();
        return m_values;
    }

private:
    using Values = Hyperparameters;

    [[noreturn]] void unsupported(const std::string& finding) const {
        throw Error("checkpoint.family", m_file.origin() + ": " + finding,
                    "Choose a model of a supported architecture.");
    }
    [[noreturn]] void refuse(const std::string& finding) const {
        throw Error("checkpoint.metadata", m_file.origin() + ": " + finding, "Convert the model again.");
    }

    std::string key(const std::string& name) const { return m_values.family + "." + name; }

    // One integer, or an array that says the same for every block.
    std::optional<std::int64_t> perBlock(const std::string& name, std::int64_t maximum) const {
        const auto* value = m_file.find(key(name));
        if (!value || value->type != GgufValueType::Array)
            return m_file.integer(key(name), 1, maximum);
        const auto all = *m_file.integers(key(name));
        if (all.empty() || std::ranges::adjacent_find(all, std::not_equal_to{}) != all.end())
            unsupported(key(name) + " differs between blocks.");
        if (all.front() < 1 || all.front() > maximum)
            refuse(key(name) + " is " + std::to_string(all.front()) + ", allowed are 1 to " +
                   std::to_string(maximum) + ".");
        return all.front();
    }

    std::int64_t required(const std::string& name, std::int64_t maximum) const {
        if (const auto value = perBlock(name, maximum))
            return *value;
        refuse(key(name) + " is missing.");
    }

    double inRange(const std::string& name, double least, double most, double otherwise) const {
        const auto value = m_file.number(key(name)).value_or(otherwise);
        if (!(value >= least && value <= most))
            refuse(key(name) + " is " + std::to_string(value) + ", allowed are " + std::to_string(least) +
                   " to " + std::to_string(most) + ".");
        return value;
    }

    void refuseSplit() const {
        const auto count = m_file.integer("split.count", 0, 100'000).value_or(1);
        if (count > 1)
            throw Error("checkpoint.split",
                        m_file.origin() + ": the model is split into " + std::to_string(count) +
                            " files, only whole ones can be read.",
                        "Join the files with llama-gguf-split --merge.");
    }

    void readCounts();
    void readAttention();
    void readRope();
    void readRopeFactors();
    void readGemma();
    std::vector<bool> readWindowed() const;
    void refuseFeatures() const;

    const GgufFile& m_file;
    Hyperparameters m_values;
};

void Reader::readCounts() {
    auto& v = m_values;
    v.blocks = required("block_count", 1'024);
    v.width = required("embedding_length", 65'536);
    v.feedForward = required("feed_forward_length", std::int64_t{1} << 20);
    v.contextLength = required("context_length", std::int64_t{1} << 31);
    const auto* embedding = m_file.findTensor("token_embd.weight");
    if (!embedding)
        refuse("the tensor token_embd.weight is missing.");
    v.vocabulary = embedding->shape.front();
    if (v.vocabulary > (std::int64_t{1} << 23))
        refuse("token_embd.weight has " + std::to_string(v.vocabulary) + " rows, allowed are 8388608.");
    v.normEpsilon = inRange("attention.layer_norm_rms_epsilon", 1e-12, 0.1, -1);
    v.tiedHead = m_file.findTensor("output.weight") == nullptr;
}

void Reader::readAttention() {
    auto& v = m_values;
    v.heads = required("attention.head_count", 1'024);
    v.keyValueHeads = perBlock("attention.head_count_kv", 1'024).value_or(v.heads);
    if (v.heads % v.keyValueHeads != 0)
        refuse(std::to_string(v.heads) + " heads do not divide by " + std::to_string(v.keyValueHeads) +
               " key and value heads.");
    if (const auto width = m_file.integer(key("attention.key_length"), 1, 1'024))
        v.headWidth = *width;
    else if (v.width % v.heads == 0)
        v.headWidth = v.width / v.heads;
    else
        refuse("the width " + std::to_string(v.width) + " does not divide by " + std::to_string(v.heads) +
               " heads.");
    const auto valueWidth = m_file.integer(key("attention.value_length"), 1, 1'024).value_or(v.headWidth);
    if (valueWidth != v.headWidth)
        unsupported("keys of width " + std::to_string(v.headWidth) + " with values of width " +
                    std::to_string(valueWidth) + " are not supported.");
    if (v.headWidth > 1'024 || v.headWidth % 2 != 0)
        refuse("the head width is " + std::to_string(v.headWidth) + ", allowed are even ones up to 1024.");
    v.attentionScale = 1 / std::sqrt(static_cast<double>(v.headWidth));
    v.window = m_file.integer(key("attention.sliding_window"), 0, std::int64_t{1} << 31).value_or(0);
}

void Reader::readRope() {
    auto& v = m_values;
    v.rope.width = m_file.integer(key("rope.dimension_count"), 2, 1'024).value_or(v.headWidth);
    if (v.rope.width > v.headWidth || v.rope.width % 2 != 0)
        refuse(key("rope.dimension_count") + " is " + std::to_string(v.rope.width) +
               ", allowed are even ones up to " + std::to_string(v.headWidth) + ".");
    v.rope.theta = inRange("rope.freq_base", 1, 1e12, v.family == "gemma3" ? 1e6 : 1e4);
    const auto scaling = m_file.text(key("rope.scaling.type")).value_or("");
    if (scaling.empty() || scaling == "linear") { // llama.cpp's default is linear; 0 means no scaling
        const auto before2023October = inRange("rope.scale_linear", 0, 1e4, 1);
        const auto factor = inRange("rope.scaling.factor", 0, 1e4, before2023October);
        if (factor != 0 && factor != 1) {
            v.rope.scaling = RopeScaling::Linear;
            v.rope.factor = factor;
        }
    } else if (scaling != "none")
        unsupported("the position scaling \"" + forMessage(scaling) +
                    "\" is not supported; supported are none, linear and "
                    "the factors of llama 3.");
    readRopeFactors();
}

void Reader::readRopeFactors() {
    const auto* tensor = m_file.findTensor("rope_freqs.weight");
    if (!tensor)
        return;
    const std::vector<std::int64_t> expected{m_values.rope.width / 2};
    if (m_values.family != "llama" || tensor->type != GgufType::F32 || tensor->shape != expected)
        refuse("rope_freqs.weight: expected F32 [" + std::to_string(expected[0]) +
               "] in a llama model, file has " + ggufTypeName(tensor->type) + " with " +
               std::to_string(tensor->elements) + " elements.");
    std::vector<float> factors(tensor->elements);
    dequantise(tensor->type, m_file.data(*tensor), factors);
    m_values.rope.divisors.assign(factors.begin(), factors.end());
    for (const float factor : factors)
        if (!(factor >= 1e-3f && factor <= 1e6f))
            refuse("rope_freqs.weight holds " + std::to_string(factor) + ", allowed are 0.001 to 1000000.");
}

// Sources: llama.cpp src/models/gemma3 (pattern 6, 27B scale), transformers Gemma3TextConfig (local base
// 10,000).
void Reader::readGemma() {
    auto& v = m_values;
    v.activation = Activation::GeluTanh;
    v.windowRope.theta = inRange("rope.freq_base_swa", 1, 1e12, 1e4);
    v.windowRope.width = v.rope.width;
    if (v.window > 0)
        v.windowed = readWindowed();
    v.attentionSoftCap = inRange("attn_logit_softcapping", 0, 1e6, 0);
    v.logitSoftCap = inRange("final_logit_softcapping", 0, 1e6, 0);
    v.embeddingScale = std::sqrt(static_cast<double>(v.width));
    constexpr std::int64_t blocksOf27B = 62; // its scale is the one number the file does not carry
    if (v.blocks == blocksOf27B)
        v.attentionScale = 1 / std::sqrt(static_cast<double>(v.width) / static_cast<double>(v.heads));
}

std::vector<bool> Reader::readWindowed() const {
    const auto name = key("attention.sliding_window_pattern");
    const auto blocks = static_cast<std::size_t>(m_values.blocks);
    std::vector<bool> windowed(blocks);
    if (const auto* value = m_file.find(name); value && value->type == GgufValueType::Array) {
        const auto slides = *m_file.integers(name);
        if (slides.size() != blocks)
            refuse(name + " has " + std::to_string(slides.size()) + " entries for " + std::to_string(blocks) +
                   " blocks.");
        for (std::size_t b = 0; b < blocks; ++b)
            windowed[b] = slides[b] != 0;
        return windowed;
    }
    const auto pattern = static_cast<std::size_t>(m_file.integer(name, 1, 1'024).value_or(6));
    for (std::size_t b = 0; b < blocks; ++b)
        windowed[b] = (b + 1) % pattern != 0;
    return windowed;
}

// Keys that change the arithmetic in a way the decoder does not know.
void Reader::refuseFeatures() const {
    struct Feature {
        const char* name;
        double neutral;
    };
    static constexpr std::array features = {
        Feature{"expert_count", 0},
        Feature{"attention.clamp_kqv", 0},
        Feature{"attention.max_alibi_bias", 0},
        Feature{"embedding_scale", 1},
        Feature{"residual_scale", 1},
        Feature{"logit_scale", 1},
        Feature{"rope.scaling.attn_factor", 1},
        Feature{"rope.scaling.yarn_log_multiplier", 0},
    };
    for (const auto& feature : features)
        if (const auto value = m_file.number(key(feature.name)); value && *value != feature.neutral)
            unsupported(key(feature.name) + " = " + std::to_string(*value) + " is not supported.");
    for (const char* name : {"use_parallel_residual", "attention.scale"})
        if (m_file.find(key(name)))
            unsupported(key(name) + " is not supported.");
    if (m_values.family == "llama")
        for (const char* name : {"attn_logit_softcapping", "final_logit_softcapping"})
            if (m_file.number(key(name)).value_or(0) != 0)
                unsupported(key(name) + " is not supported.");
    if (!m_file.boolean(key("attention.causal")).value_or(true))
        unsupported("attention that is not causal is not supported.");
}

} // namespace

Hyperparameters readHyperparameters(const GgufFile& file) { return Reader(file).read(); }

} // namespace azimuth
