// Source of keys and defaults: transformers' configuration_*.py; of what a key does: modeling_*.py.
#include "core/engine/checkpoint/config_reader.h"

#include "core/base/error.h"
#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace azimuth {
namespace {

constexpr std::int64_t largestContext = std::int64_t{1} << 31;

// The configuration class of a family: names of its keys and values where they are missing.
struct ConfigClass {
    const char* modelType; // in config.json
    const char* family;
    std::int64_t vocabulary, width, feedForward, blocks, heads;
    std::int64_t keyValueHeads; // 0: as many as heads
    std::int64_t headWidth;     // 0: width / heads
    std::int64_t contextLength;
    double normEpsilon;
    const char* activation;
    bool tiedHead;
    std::int64_t window; // 0: none
};
constexpr std::array classes = {
    ConfigClass{"gemma2", "gemma2", 256000, 2304, 9216, 26, 8, 4, 256, 8192, 1e-6, "gelu_pytorch_tanh", true,
                4096},
    ConfigClass{"gemma3_text", "gemma3", 262208, 2304, 9216, 26, 8, 4, 256, 131072, 1e-6, "gelu_pytorch_tanh",
                true, 4096},
    ConfigClass{"gpt2", "gpt2", 50257, 768, 0, 12, 12, 0, 0, 1024, 1e-5, "gelu_new", true, 0},
    ConfigClass{"gpt_neox", "gpt_neox", 50432, 6144, 24576, 44, 64, 0, 0, 2048, 1e-5, "gelu", false, 0},
    ConfigClass{"llama", "llama", 32000, 4096, 11008, 32, 32, 0, 0, 2048, 1e-6, "silu", false, 0},
    ConfigClass{"mistral", "mistral", 32000, 4096, 14336, 32, 32, 8, 0, 131072, 1e-6, "silu", false, 4096},
    ConfigClass{"olmo2", "olmo2", 50304, 4096, 11008, 32, 32, 0, 0, 2048, 1e-5, "silu", false, 0},
    ConfigClass{"phi3", "phi3", 32064, 3072, 8192, 32, 32, 0, 0, 4096, 1e-5, "silu", false, 0},
    ConfigClass{"qwen2", "qwen2", 151936, 4096, 22016, 32, 32, 32, 0, 32768, 1e-6, "silu", false, 4096},
    ConfigClass{"qwen3", "qwen3", 151936, 4096, 22016, 32, 32, 32, 128, 32768, 1e-6, "silu", false, 4096},
};

struct ActivationName {
    const char* name;
    Activation activation;
};
constexpr std::array activations = {
    ActivationName{"gelu", Activation::GeluErf},          ActivationName{"gelu_fast", Activation::GeluTanh},
    ActivationName{"gelu_new", Activation::GeluTanh},     ActivationName{"gelu_python", Activation::GeluErf},
    ActivationName{"gelu_pytorch_tanh", Activation::GeluTanh},
    ActivationName{"silu", Activation::Silu},             ActivationName{"swish", Activation::Silu},
};

std::string quoted(const std::string& text) { return "\"" + forMessage(text) + "\""; }

class Reader {
public:
    Reader(const ConfigObject& config, const ConfigObject& outer, const ConfigClass& kind,
           const HasTensor& has)
        : m_config(config), m_outer(outer), m_class(kind), m_has(has),
          m_gpt2(m_class.family == std::string_view("gpt2")) {}

    Hyperparameters read() {
        m_values.family = m_class.family;
        readCounts();
        readHeads();
        readBranches();
        readWindow();
        readRotary();
        readFamily();
        readHead();
        return m_values;
    }

private:
    const char* named(const char* usual, const char* inGpt2) const { return m_gpt2 ? inGpt2 : usual; }
    bool is(const char* family) const { return m_values.family == family; }
    bool isGemma() const { return is("gemma2") || is("gemma3"); }

    std::int64_t count(const char* key, std::int64_t maximum, std::int64_t otherwise) const {
        return m_config.integer(key, 1, maximum).value_or(otherwise);
    }

    void readCounts();
    void readHeads();
    void readBranches();
    void readWindow();
    std::optional<std::vector<bool>> layerTypes() const;
    void readRotary();
    void readFamily();
    void readHead();

    const ConfigObject& m_config;
    const ConfigObject& m_outer;
    const ConfigClass& m_class;
    const HasTensor& m_has;
    bool m_gpt2;
    Hyperparameters m_values;
};

void Reader::readCounts() {
    auto& v = m_values;
    v.blocks = count(named("num_hidden_layers", "n_layer"), 1'024, m_class.blocks);
    v.width = count(named("hidden_size", "n_embd"), 65'536, m_class.width);
    v.feedForward = count(named("intermediate_size", "n_inner"), std::int64_t{1} << 20,
                          m_gpt2 ? 4 * v.width : m_class.feedForward);
    v.contextLength =
        count(named("max_position_embeddings", "n_positions"), largestContext, m_class.contextLength);
    v.vocabulary = count("vocab_size", std::int64_t{1} << 23, m_class.vocabulary);
    const char* epsilon = m_gpt2 ? "layer_norm_epsilon" : is("gpt_neox") ? "layer_norm_eps" : "rms_norm_eps";
    v.normEpsilon = m_config.number(epsilon, 1e-12, 0.1).value_or(m_class.normEpsilon);
    if (m_gpt2)
        v.learnedPositions = v.contextLength;
}

void Reader::readHeads() {
    auto& v = m_values;
    v.heads = count(named("num_attention_heads", "n_head"), 1'024, m_class.heads);
    v.keyValueHeads = v.heads;
    if (!m_gpt2 && !is("gpt_neox")) {
        if (const auto given = m_config.integer("num_key_value_heads", 1, 1'024))
            v.keyValueHeads = *given;
        else if (m_class.keyValueHeads != 0 && !m_config.mentions("num_key_value_heads"))
            v.keyValueHeads = m_class.keyValueHeads;
    }
    if (v.heads % v.keyValueHeads != 0)
        m_config.refuse(std::to_string(v.heads) + " heads do not divide by " +
                        std::to_string(v.keyValueHeads) + " key and value heads.");
    const auto given = m_gpt2 || is("gpt_neox") ? std::optional<std::int64_t>()
                                                : m_config.integer("head_dim", 1, 1'024);
    if (given)
        v.headWidth = *given;
    else if (m_class.headWidth != 0)
        v.headWidth = m_class.headWidth;
    else if (v.width % v.heads == 0)
        v.headWidth = v.width / v.heads;
    else
        m_config.refuse("the width " + std::to_string(v.width) + " does not divide by " +
                        std::to_string(v.heads) + " heads.");
    if (v.headWidth > 1'024 || v.headWidth % 2 != 0)
        m_config.refuse("the head width is " + std::to_string(v.headWidth) +
                        ", allowed are even ones up to 1024.");
    v.attentionScale = 1 / std::sqrt(static_cast<double>(v.headWidth));
}

void Reader::readBranches() {
    auto& v = m_values;
    const char* key = m_gpt2 ? "activation_function" : isGemma() ? "hidden_activation" : "hidden_act";
    const auto name = m_config.text(key).value_or(m_class.activation);
    const auto found = std::ranges::find_if(activations, [&](const auto& row) { return row.name == name; });
    if (found == activations.end()) {
        std::string known;
        for (const auto& row : activations)
            known += (known.empty() ? "" : ", ") + std::string(row.name);
        m_config.unsupported(std::string(key) + " " + quoted(name) + " is not supported; supported are " +
                             known + ".");
    }
    v.activation = found->activation;
    if (is("qwen2"))
        v.queryKeyValueBias = true;
    else if (m_gpt2)
        v.queryKeyValueBias = v.outputBias = v.feedForwardBias = true;
    else if (!is("mistral") && !is("phi3"))
        v.queryKeyValueBias = v.outputBias = m_config.boolean("attention_bias").value_or(is("gpt_neox"));
    if (is("llama"))
        v.feedForwardBias = m_config.boolean("mlp_bias").value_or(false);
    if (is("gpt_neox")) {
        v.feedForwardBias = true;
        v.parallelBranches = m_config.boolean("use_parallel_residual").value_or(true);
    }
}

std::optional<std::vector<bool>> Reader::layerTypes() const {
    const auto types = m_config.texts("layer_types");
    if (!types)
        return {};
    if (types->size() != static_cast<std::size_t>(m_values.blocks))
        m_config.refuse("layer_types has " + std::to_string(types->size()) + " entries for " +
                        std::to_string(m_values.blocks) + " blocks.");
    std::vector<bool> windowed;
    for (const auto& type : *types) {
        if (type != "sliding_attention" && type != "full_attention")
            m_config.unsupported("the layer type " + quoted(type) +
                                 " is not supported; supported are full_attention and sliding_attention.");
        windowed.push_back(type == "sliding_attention");
    }
    return windowed;
}

void Reader::readWindow() {
    auto& v = m_values;
    const bool everyBlock = is("mistral") || is("phi3");
    const bool upperBlocks = is("qwen2") || is("qwen3");
    if (!everyBlock && !upperBlocks && !isGemma())
        return;
    std::int64_t window = m_config.integer("sliding_window", 1, largestContext)
                              .value_or(m_config.mentions("sliding_window") ? 0 : m_class.window);
    if (upperBlocks && !m_config.boolean("use_sliding_window").value_or(false))
        window = 0;
    const auto blocks = static_cast<std::size_t>(v.blocks);
    std::vector<bool> windowed(blocks, everyBlock);
    if (const auto types = layerTypes()) {
        if (everyBlock && window > 0 && std::ranges::find(*types, false) != types->end())
            m_config.unsupported("layer_types with full_attention is not supported in this family.");
        if (!everyBlock)
            windowed = *types;
    } else if (upperBlocks) {
        const auto first = m_config.integer("max_window_layers", 0, 1 << 20).value_or(28);
        for (std::size_t b = 0; b < blocks; ++b)
            windowed[b] = static_cast<std::int64_t>(b) >= first;
    } else if (isGemma()) {
        const auto pattern =
            is("gemma2") ? 2 : m_config.integer("sliding_window_pattern", 1, 1'024).value_or(6);
        for (std::size_t b = 0; b < blocks; ++b)
            windowed[b] = (static_cast<std::int64_t>(b) + 1) % pattern != 0;
    }
    const bool any = std::ranges::find(windowed, true) != windowed.end();
    if (window == 0 && any && !everyBlock && (isGemma() || m_config.has("layer_types")))
        m_config.refuse("layer_types has sliding_attention, but there is no sliding_window.");
    if (window > 0 && any) {
        v.window = window;
        v.windowed = std::move(windowed);
    }
}

void Reader::readRotary() {
    auto& v = m_values;
    if (m_gpt2)
        return;
    RopeDefaults defaults;
    defaults.headWidth = v.headWidth;
    defaults.contextLength = v.contextLength;
    defaults.originalContext = m_config.integer("original_max_position_embeddings", 1, largestContext);
    defaults.partialAllowed = is("phi3") || is("gpt_neox");
    defaults.oldNamesAreLongrope = is("phi3");
    if (is("phi3") && !defaults.originalContext)
        defaults.originalContext = 4096;
    defaults.theta = m_config.number(is("gpt_neox") ? "rotary_emb_base" : "rope_theta", 1, 1e12)
                         .value_or(is("gemma3") ? 1e6 : 1e4);
    defaults.partialFactor = m_config.number(is("gpt_neox") ? "rotary_pct" : "partial_rotary_factor", 0, 1)
                                 .value_or(is("gpt_neox") ? 0.25 : 1);
    const auto scaling = m_config.object("rope_scaling");
    const auto parameters = m_config.object("rope_parameters");
    if (!is("gemma3")) {
        v.rope = readRope(scaling ? scaling : parameters, m_config, defaults);
        if (const auto used = scaling ? scaling : parameters; used && used->has("full_attention"))
            m_config.unsupported("rope_parameters that differ between layer types are not supported in this "
                                 "family.");
        if (v.window > 0)
            v.windowRope = v.rope;
        return;
    }
    auto full = parameters ? parameters->object("full_attention") : std::nullopt;
    const auto sliding = parameters ? parameters->object("sliding_attention") : std::nullopt;
    if (parameters && !full && !sliding && (parameters->has("rope_theta") || parameters->has("rope_type")))
        m_config.unsupported("rope_parameters without full_attention and sliding_attention are not "
                             "supported in this family.");
    if (scaling && full)
        m_config.refuse("rope_scaling and rope_parameters are both there.");
    v.rope = readRope(scaling ? scaling : full, m_config, defaults);
    defaults.theta = m_config.number("rope_local_base_freq", 1, 1e12).value_or(1e4);
    v.windowRope = readRope(sliding, m_config, defaults);
}

void Reader::readFamily() {
    auto& v = m_values;
    if (isGemma()) {
        if (m_config.boolean("use_bidirectional_attention").value_or(false))
            m_config.unsupported("use_bidirectional_attention is not supported.");
        v.attentionScale = 1 / std::sqrt(m_config.number("query_pre_attn_scalar", 1e-3, 1e6).value_or(256));
        v.embeddingScale = std::sqrt(static_cast<double>(v.width));
        const auto cap = [&](const char* key, double otherwise) {
            return m_config.number(key, 0, 1e6).value_or(m_config.mentions(key) ? 0 : otherwise);
        };
        v.attentionSoftCap = cap("attn_logit_softcapping", is("gemma2") ? 50 : 0);
        v.logitSoftCap = cap("final_logit_softcapping", is("gemma2") ? 30 : 0);
    }
    if (m_gpt2) {
        for (const char* key : {"scale_attn_by_inverse_layer_idx", "add_cross_attention"})
            if (m_config.boolean(key).value_or(false))
                m_config.unsupported(std::string(key) + " is not supported.");
        if (!m_config.boolean("scale_attn_weights").value_or(true))
            v.attentionScale = 1;
    }
}

void Reader::readHead() {
    const auto tied = m_outer.boolean("tie_word_embeddings").value_or(m_class.tiedHead);
    m_values.tiedHead = tied || storedHead(m_values.family, Container::Folder, m_has).empty();
}

std::string supportedTypes() {
    std::string names;
    for (const auto& row : classes)
        names += (names.empty() ? "" : ", ") + std::string(row.modelType);
    return names;
}

const ConfigClass& classOf(const ConfigObject& config) {
    const auto type = config.text("model_type").value_or("");
    const auto found = std::ranges::find_if(classes, [&](const auto& row) { return row.modelType == type; });
    if (found == classes.end())
        config.unsupported("the model_type " + quoted(type) + " is not supported; supported are " +
                           supportedTypes() + ".");
    return *found;
}

void refuseQuantised(const ConfigObject& config) {
    if (const auto how = config.object("quantization_config"))
        config.unsupported("quantised as " + quoted(how->text("quant_method").value_or("an unnamed method")) +
                           ": supported are weights stored as F32, F16 and BF16.");
}

} // namespace

Hyperparameters readConfig(const Json& json, const std::string& origin, const HasTensor& has) {
    const ConfigObject outer(json, origin);
    refuseQuantised(outer);
    if (outer.text("model_type") == "gemma3") {
        const auto inner = outer.object("text_config");
        if (!inner)
            outer.refuse("text_config is missing.");
        static constexpr auto isText = [](const ConfigClass& row) {
            return std::string_view(row.modelType) == "gemma3_text";
        };
        refuseQuantised(*inner);
        if (inner->text("model_type").value_or("gemma3_text") != "gemma3_text")
            inner->unsupported("the model_type " + quoted(*inner->text("model_type")) +
                               " is not supported; supported is gemma3_text.");
        return Reader(*inner, outer, *std::ranges::find_if(classes, isText), has).read();
    }
    const auto& kind = classOf(outer);
    return Reader(outer, outer, kind, has).read();
}

} // namespace azimuth
