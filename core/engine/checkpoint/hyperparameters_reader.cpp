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
        if (!isKnownFamily(m_values.family))
            unsupported("the architecture \"" + forMessage(m_values.family) +
                        "\" is not supported; supported are " + knownFamilies() + ".");
        readCounts();
        readAttention();
        readRope();
        if (m_values.family == "gemma3")
            readGemma();
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
    std::int64_t readSlidingPattern() const;
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
    v.kvHeads = perBlock("attention.head_count_kv", 1'024).value_or(v.heads);
    if (v.heads % v.kvHeads != 0)
        refuse(std::to_string(v.heads) + " heads do not divide by " + std::to_string(v.kvHeads) +
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
    v.ropeWidth = m_file.integer(key("rope.dimension_count"), 2, 1'024).value_or(v.headWidth);
    if (v.ropeWidth > v.headWidth || v.ropeWidth % 2 != 0)
        refuse(key("rope.dimension_count") + " is " + std::to_string(v.ropeWidth) +
               ", allowed are even ones up to " + std::to_string(v.headWidth) + ".");
    v.ropeTheta = inRange("rope.freq_base", 1, 1e12, v.family == "gemma3" ? 1e6 : 1e4);
    v.ropeThetaLocal = v.ropeTheta;
    const auto scaling = m_file.text(key("rope.scaling.type")).value_or("");
    if (scaling.empty() || scaling == "linear") { // llama.cpp's default is linear; 0 means no scaling
        const auto before2023October = inRange("rope.scale_linear", 0, 1e4, 1);
        v.ropeLinearFactor = inRange("rope.scaling.factor", 0, 1e4, before2023October);
        if (v.ropeLinearFactor == 0)
            v.ropeLinearFactor = 1;
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
    const std::vector<std::int64_t> expected{m_values.ropeWidth / 2};
    if (m_values.family != "llama" || tensor->type != GgufType::F32 || tensor->shape != expected)
        refuse("rope_freqs.weight: expected F32 [" + std::to_string(expected[0]) +
               "] in a llama model, file has " + ggufTypeName(tensor->type) + " with " +
               std::to_string(tensor->elements) + " elements.");
    m_values.ropeFactors.resize(tensor->elements);
    dequantise(tensor->type, m_file.data(*tensor), m_values.ropeFactors);
    for (const float factor : m_values.ropeFactors)
        if (!(factor >= 1e-3f && factor <= 1e6f))
            refuse("rope_freqs.weight holds " + std::to_string(factor) + ", allowed are 0.001 to 1000000.");
}

// Sources: llama.cpp src/models/gemma3 (pattern 6, 27B scale), transformers Gemma3TextConfig (local base
// 10,000).
void Reader::readGemma() {
    auto& v = m_values;
    v.ropeThetaLocal = inRange("rope.freq_base_swa", 1, 1e12, 1e4);
    v.slidingPattern = readSlidingPattern();
    v.attentionSoftcap = inRange("attn_logit_softcapping", 0, 1e6, 0);
    v.finalSoftcap = inRange("final_logit_softcapping", 0, 1e6, 0);
    v.embeddingScale = std::sqrt(static_cast<double>(v.width));
    constexpr std::int64_t blocksOf27B = 62; // its scale is the one number the file does not carry
    if (v.blocks == blocksOf27B)
        v.attentionScale = 1 / std::sqrt(static_cast<double>(v.width) / static_cast<double>(v.heads));
}

std::int64_t Reader::readSlidingPattern() const {
    const auto name = key("attention.sliding_window_pattern");
    const auto* value = m_file.find(name);
    if (!value)
        return 6;
    if (value->type != GgufValueType::Array)
        return *m_file.integer(name, 1, 1'024);
    const auto slides = *m_file.integers(name);
    for (std::int64_t pattern = 1; pattern <= m_values.blocks + 1; ++pattern) {
        bool fits = static_cast<std::int64_t>(slides.size()) == m_values.blocks;
        for (std::int64_t b = 0; fits && b < m_values.blocks; ++b)
            fits = (slides[static_cast<std::size_t>(b)] != 0) == ((b + 1) % pattern != 0);
        if (fits)
            return pattern;
    }
    unsupported(name + " is not one whole block after every n - 1 sliding ones.");
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
