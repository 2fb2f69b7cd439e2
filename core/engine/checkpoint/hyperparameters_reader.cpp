#include "core/engine/checkpoint/hyperparameters_reader.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/engine/checkpoint/dequantise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

namespace azimuth {
namespace {

// general.architecture and the family it is.
struct Architecture {
    const char* name;
    const char* family;
};
constexpr std::array architectures = {
    Architecture{"gemma2", "gemma2"},    Architecture{"gemma3", "gemma3"}, Architecture{"gpt2", "gpt2"},
    Architecture{"gptneox", "gpt_neox"}, Architecture{"llama", "llama"},   Architecture{"olmo2", "olmo2"},
    Architecture{"phi3", "phi3"},        Architecture{"qwen2", "qwen2"},   Architecture{"qwen3", "qwen3"},
};

class Reader {
public:
    explicit Reader(const GgufFile& file) : m_file(file) {}

    Hyperparameters read() {
        refuseSplit();
        readArchitecture();
        readCounts();
        readAttention();
        readBranches();
        if (is("gpt2"))
            readPositions();
        else
            readRope();
        if (isGemma())
            readGemma();
        else
            readWindow();
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

    std::string key(const std::string& name) const { return m_architecture + "." + name; }
    bool is(const char* family) const { return m_values.family == family; }
    bool isGemma() const { return is("gemma2") || is("gemma3"); }
    bool has(const char* tensor) const { return m_file.findTensor(tensor) != nullptr; }

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

    void refuseSplit() const;
    void readArchitecture();
    void readCounts();
    void readAttention();
    void readBranches();
    void readPositions();
    void readRope();
    void readYarn();
    void readLongrope();
    std::vector<double> ropeFactors(const char* tensor) const;
    void readWindow();
    void readGemma();
    std::vector<bool> readWindowed() const;
    void refuseFeatures() const;

    const GgufFile& m_file;
    std::string m_architecture;
    Hyperparameters m_values;
};

void Reader::refuseSplit() const {
    const auto count = m_file.integer("split.count", 0, 100'000).value_or(1);
    if (count <= 1)
        return;
    const auto part = m_file.integer("split.no", 0, 100'000).value_or(0) + 1;
    auto first = std::filesystem::path(m_file.origin()).filename().string();
    std::string whole = "whole.gguf";
    if (const auto name = first.rfind("-of-");
        name != std::string::npos && name >= 6 && first[name - 6] == '-') {
        whole = first.substr(0, name - 6) + ".gguf"; // of NAME-00002-of-00003.gguf
        first.replace(name - 5, 5, "00001");
    }
    throw Error("checkpoint.split",
                m_file.origin() + ": this is part " + std::to_string(part) +
                    " of a model that is split into " + std::to_string(count) +
                    " files; only whole ones can be read.",
                "Join them with llama.cpp's llama-gguf-split --merge " + first + " " + whole + ".");
}

void Reader::readArchitecture() {
    m_architecture = m_file.text("general.architecture").value_or("");
    std::string known;
    for (const auto& row : architectures) {
        if (row.name == m_architecture)
            m_values.family = row.family;
        known += (known.empty() ? "" : ", ") + std::string(row.name);
    }
    if (m_values.family.empty())
        unsupported("the architecture \"" + forMessage(m_architecture) + "\" is not supported; supported are " +
                    known + ".");
}

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
    const bool layerNorm = is("gpt2") || is("gpt_neox");
    v.normEpsilon =
        inRange(layerNorm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", 1e-12, 0.1, -1);
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
}

// The files do not name the activation: it is the one of transformers' configuration class.
void Reader::readBranches() {
    auto& v = m_values;
    v.queryKeyValueBias = has("blk.0.attn_q.bias") || has("blk.0.attn_qkv.bias");
    v.outputBias = has("blk.0.attn_output.bias");
    v.feedForwardBias = has("blk.0.ffn_up.bias");
    if (isGemma() || is("gpt2"))
        v.activation = Activation::GeluTanh;
    if (is("gpt_neox")) {
        v.activation = Activation::GeluErf;
        v.parallelBranches = m_file.boolean(key("use_parallel_residual")).value_or(true);
    }
}

void Reader::readPositions() {
    auto& v = m_values;
    const auto* positions = m_file.findTensor("position_embd.weight");
    if (!positions)
        refuse("the tensor position_embd.weight is missing.");
    v.learnedPositions = positions->shape.front();
    if (v.contextLength > v.learnedPositions)
        refuse(key("context_length") + " is " + std::to_string(v.contextLength) +
               ", position_embd.weight has " + std::to_string(v.learnedPositions) + " rows.");
}

// A window of every block (Mistral under the name llama, Phi-3; 0: none). llama.cpp knows none in Qwen's
// files; what olmo2 files with one hold is OLMo 3.
void Reader::readWindow() {
    auto& v = m_values;
    const auto window = m_file.integer(key("attention.sliding_window"), 0, std::int64_t{1} << 31).value_or(0);
    if (window > 0 && is("olmo2"))
        unsupported("olmo2 with attention.sliding_window, which is OLMo 3, is not supported.");
    if (window == 0 || (!is("llama") && !is("phi3")))
        return;
    v.window = window;
    v.windowed.assign(static_cast<std::size_t>(v.blocks), true);
    v.windowRope = v.rope;
}

void Reader::readRope() {
    auto& v = m_values;
    v.rope.width = m_file.integer(key("rope.dimension_count"), 2, 1'024).value_or(v.headWidth);
    if (v.rope.width > v.headWidth || v.rope.width % 2 != 0)
        refuse(key("rope.dimension_count") + " is " + std::to_string(v.rope.width) +
               ", allowed are even ones up to " + std::to_string(v.headWidth) + ".");
    v.rope.theta = inRange("rope.freq_base", 1, 1e12, is("gemma3") ? 1e6 : 1e4);
    const auto scaling = m_file.text(key("rope.scaling.type")).value_or("");
    if (has("rope_factors_long.weight") || has("rope_factors_short.weight"))
        readLongrope();
    else if (scaling == "yarn")
        readYarn();
    else if (scaling.empty() || scaling == "linear") { // llama.cpp's default is linear; 0 means no scaling
        const auto before2023October = inRange("rope.scale_linear", 0, 1e4, 1);
        const auto factor = inRange("rope.scaling.factor", 0, 1e4, before2023October);
        if (factor != 0 && factor != 1) {
            v.rope.scaling = RopeScaling::Linear;
            v.rope.factor = factor;
        }
    } else if (scaling != "none")
        unsupported("the position scaling \"" + forMessage(scaling) +
                    "\" is not supported; supported are none, linear, yarn, and the factors of Llama 3 and "
                    "Phi-3.");
    if (has("rope_freqs.weight")) {
        if (v.rope.scaling == RopeScaling::Longrope)
            refuse("rope_freqs.weight and rope_factors_long.weight are both there.");
        v.rope.divisors = ropeFactors("rope_freqs.weight");
    }
}

// Source of the factor on cosine and sine: llama.cpp's ggml_rope_yarn and llama-context.cpp, where
// attn_factor multiplies what the scaling gives; transformers' yarn, whose attention_factor stands instead of
// that and is what llama.cpp's converter writes as yarn_attn_factor, only where the configuration has it: a
// written 1 is the configuration's, not a default.
void Reader::readYarn() {
    auto& rope = m_values.rope;
    rope.scaling = RopeScaling::Yarn;
    rope.factor = inRange("rope.scaling.factor", 1, 1e4, 0);
    rope.originalContext =
        m_file.integer(key("rope.scaling.original_context_length"), 1, std::int64_t{1} << 31)
            .value_or(m_values.contextLength);
    rope.betaFast = inRange("rope.scaling.yarn_beta_fast", 1e-3, 1e6, 32);
    rope.betaSlow = inRange("rope.scaling.yarn_beta_slow", 1e-3, 1e6, 1);
    const auto inferred = 0.1 * std::log(rope.factor) + 1;
    rope.attentionFactor = inRange("rope.scaling.yarn_attn_factor", 1e-6, 1e6, inferred) *
                           inRange("rope.scaling.attn_factor", 1e-6, 1e6, 1);
    if (m_file.number(key("rope.scaling.yarn_ext_factor")).value_or(1) != 1)
        unsupported(key("rope.scaling.yarn_ext_factor") + " other than 1 is not supported.");
    if (rope.theta <= 1)
        refuse(key("rope.freq_base") + " is 1, yarn needs more.");
}

void Reader::readLongrope() {
    auto& rope = m_values.rope;
    rope.scaling = RopeScaling::Longrope;
    const auto original =
        m_file.integer(key("rope.scaling.original_context_length"), 2, std::int64_t{1} << 31);
    if (!original)
        refuse(key("rope.scaling.original_context_length") + " is missing.");
    rope.originalContext = *original;
    const auto ratio = static_cast<double>(m_values.contextLength) / static_cast<double>(*original);
    const auto inferred =
        ratio > 1 ? std::sqrt(1 + std::log(ratio) / std::log(static_cast<double>(*original))) : 1.0;
    rope.attentionFactor = inRange("rope.scaling.attn_factor", 1e-6, 1e6, inferred);
    rope.divisors = ropeFactors("rope_factors_short.weight");
    rope.longDivisors = ropeFactors("rope_factors_long.weight");
}

std::vector<double> Reader::ropeFactors(const char* name) const {
    const auto* tensor = m_file.findTensor(name);
    const std::vector<std::int64_t> expected{m_values.rope.width / 2};
    if (!tensor || tensor->type != GgufType::F32 || tensor->shape != expected)
        refuse(std::string(name) + ": expected F32 [" + std::to_string(expected[0]) + "], file has " +
               (tensor ? ggufTypeName(tensor->type) + " with " + std::to_string(tensor->elements) + " elements."
                       : std::string("none.")));
    std::vector<float> factors(tensor->elements);
    dequantise(tensor->type, m_file.data(*tensor), factors);
    for (const float factor : factors)
        if (!(factor >= 1e-3f && factor <= 1e6f))
            refuse(std::string(name) + " holds " + std::to_string(factor) + ", allowed are 0.001 to 1000000.");
    return {factors.begin(), factors.end()};
}

// Sources: llama.cpp src/models/gemma2 and gemma3 (patterns, scales of the 27B models), transformers'
// Gemma2Config and Gemma3TextConfig (window, caps, local base 10,000).
void Reader::readGemma() {
    auto& v = m_values;
    const bool third = is("gemma3");
    v.windowRope = v.rope;
    if (third) {
        v.windowRope = {};
        v.windowRope.theta = inRange("rope.freq_base_swa", 1, 1e12, 1e4);
        v.windowRope.width = v.rope.width;
    }
    v.window = m_file.integer(key("attention.sliding_window"), 0, std::int64_t{1} << 31)
                   .value_or(third ? 0 : 4'096);
    if (v.window > 0)
        v.windowed = readWindowed();
    v.attentionSoftCap = inRange("attn_logit_softcapping", 0, 1e6, third ? 0 : 50);
    v.logitSoftCap = inRange("final_logit_softcapping", 0, 1e6, third ? 0 : 30);
    v.embeddingScale = std::sqrt(static_cast<double>(v.width));
    const std::int64_t blocksOf27B = third ? 62 : 46; // their scale is the one number the file does not carry
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
    const auto pattern = static_cast<std::size_t>(m_file.integer(name, 1, 1'024).value_or(is("gemma2") ? 2 : 6));
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
        Feature{"rope.scaling.yarn_log_multiplier", 0},
    };
    for (const auto& feature : features)
        if (const auto value = m_file.number(key(feature.name)); value && *value != feature.neutral)
            unsupported(key(feature.name) + " = " + std::to_string(*value) + " is not supported.");
    const auto scaling = m_values.rope.scaling;
    if (scaling != RopeScaling::Longrope && scaling != RopeScaling::Yarn &&
        m_file.number(key("rope.scaling.attn_factor")).value_or(1) != 1)
        unsupported(key("rope.scaling.attn_factor") + " other than 1 is not supported.");
    if (m_file.find(key("attention.scale")))
        unsupported(key("attention.scale") + " is not supported.");
    if (!is("gpt_neox") && m_file.boolean(key("use_parallel_residual")).value_or(false))
        unsupported(key("use_parallel_residual") + " is not supported.");
    if (!isGemma())
        for (const char* name : {"attn_logit_softcapping", "final_logit_softcapping"})
            if (m_file.number(key(name)).value_or(0) != 0)
                unsupported(key(name) + " is not supported.");
    if (!m_file.boolean(key("attention.causal")).value_or(true))
        unsupported("attention that is not causal is not supported.");
}

} // namespace

Hyperparameters readHyperparameters(const GgufFile& file) { return Reader(file).read(); }

} // namespace azimuth
