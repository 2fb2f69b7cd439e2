#include "core/engine/checkpoint/tensor_table.h"

namespace azimuth::tensor_table {
namespace {

using enum Extent;

// GGUF names. Source: llama.cpp's conversion scripts and the gguf package's constants.

constexpr std::array ggufNorms = {
    TensorRow{"attn_norm.weight", "attention.norm.weight", Width},
    TensorRow{"ffn_norm.weight", "mlp.norm.weight", Width},
};
constexpr std::array ggufNormBiases = {
    TensorRow{"attn_norm.bias", "attention.norm.bias", Width},
    TensorRow{"ffn_norm.bias", "mlp.norm.bias", Width},
};
constexpr std::array ggufPostNorms = {
    TensorRow{"post_attention_norm.weight", "attention.post_norm.weight", Width},
    TensorRow{"post_ffw_norm.weight", "mlp.post_norm.weight", Width},
};
constexpr std::array ggufHeadNorms = {
    TensorRow{"attn_q_norm.weight", "attention.q_norm.weight", HeadWidth},
    TensorRow{"attn_k_norm.weight", "attention.k_norm.weight", HeadWidth},
};
constexpr std::array ggufWholeNorms = {
    TensorRow{"attn_q_norm.weight", "attention.q_norm.weight", Queries},
    TensorRow{"attn_k_norm.weight", "attention.k_norm.weight", Keys},
};
constexpr std::array ggufInterleaved = {
    TensorRow{"attn_q.weight", "attention.q.weight", Queries, Width, Rows::InterleavedQueries},
    TensorRow{"attn_k.weight", "attention.k.weight", Keys, Width, Rows::InterleavedKeys},
    TensorRow{"attn_q.bias", "attention.q.bias", Queries, None, Rows::InterleavedQueries,
              When::QueryKeyValueBias},
    TensorRow{"attn_k.bias", "attention.k.bias", Keys, None, Rows::InterleavedKeys, When::QueryKeyValueBias},
};
constexpr std::array ggufQueryKey = {
    TensorRow{"attn_q.weight", "attention.q.weight", Queries, Width},
    TensorRow{"attn_k.weight", "attention.k.weight", Keys, Width},
    TensorRow{"attn_q.bias", "attention.q.bias", Queries, None, Rows::AsStored, When::QueryKeyValueBias},
    TensorRow{"attn_k.bias", "attention.k.bias", Keys, None, Rows::AsStored, When::QueryKeyValueBias},
};
constexpr std::array ggufValue = {
    TensorRow{"attn_v.weight", "attention.v.weight", Keys, Width},
    TensorRow{"attn_v.bias", "attention.v.bias", Keys, None, Rows::AsStored, When::QueryKeyValueBias},
};
constexpr std::array ggufFused = {
    TensorRow{"attn_qkv.weight", "attention.q.weight", Queries, Width, Rows::Query},
    TensorRow{"attn_qkv.weight", "attention.k.weight", Keys, Width, Rows::Key},
    TensorRow{"attn_qkv.weight", "attention.v.weight", Keys, Width, Rows::Value},
    TensorRow{"attn_qkv.bias", "attention.q.bias", Queries, None, Rows::Query, When::QueryKeyValueBias},
    TensorRow{"attn_qkv.bias", "attention.k.bias", Keys, None, Rows::Key, When::QueryKeyValueBias},
    TensorRow{"attn_qkv.bias", "attention.v.bias", Keys, None, Rows::Value, When::QueryKeyValueBias},
};
constexpr std::array ggufOutput = {
    TensorRow{"attn_output.weight", "attention.o.weight", Width, Queries},
    TensorRow{"attn_output.bias", "attention.o.bias", Width, None, Rows::AsStored, When::OutputBias},
};
constexpr std::array ggufGated = {
    TensorRow{"ffn_gate.weight", "mlp.gate.weight", FeedForward, Width},
    TensorRow{"ffn_gate.bias", "mlp.gate.bias", FeedForward, None, Rows::AsStored, When::FeedForwardBias},
};
constexpr std::array ggufUp = {
    TensorRow{"ffn_up.weight", "mlp.up.weight", FeedForward, Width},
    TensorRow{"ffn_up.bias", "mlp.up.bias", FeedForward, None, Rows::AsStored, When::FeedForwardBias},
};
constexpr std::array ggufFusedGate = {
    TensorRow{"ffn_up.weight", "mlp.gate.weight", FeedForward, Width, Rows::Gate},
    TensorRow{"ffn_up.weight", "mlp.up.weight", FeedForward, Width, Rows::Up},
};
constexpr std::array ggufDown = {
    TensorRow{"ffn_down.weight", "mlp.down.weight", Width, FeedForward},
    TensorRow{"ffn_down.bias", "mlp.down.bias", Width, None, Rows::AsStored, When::FeedForwardBias},
};

// Names in Hugging Face folders. Source: transformers' modeling_*.py.

constexpr std::array folderNorms = {
    TensorRow{"input_layernorm.weight", "attention.norm.weight", Width},
    TensorRow{"post_attention_layernorm.weight", "mlp.norm.weight", Width},
};
constexpr std::array folderNormBiases = {
    TensorRow{"input_layernorm.bias", "attention.norm.bias", Width},
    TensorRow{"post_attention_layernorm.bias", "mlp.norm.bias", Width},
};
constexpr std::array folderGemmaNorms = {
    TensorRow{"input_layernorm.weight", "attention.norm.weight", Width},
    TensorRow{"post_attention_layernorm.weight", "attention.post_norm.weight", Width},
    TensorRow{"pre_feedforward_layernorm.weight", "mlp.norm.weight", Width},
    TensorRow{"post_feedforward_layernorm.weight", "mlp.post_norm.weight", Width},
};
constexpr std::array folderPostNorms = {
    TensorRow{"post_attention_layernorm.weight", "attention.post_norm.weight", Width},
    TensorRow{"post_feedforward_layernorm.weight", "mlp.post_norm.weight", Width},
};
constexpr std::array folderHeadNorms = {
    TensorRow{"self_attn.q_norm.weight", "attention.q_norm.weight", HeadWidth},
    TensorRow{"self_attn.k_norm.weight", "attention.k_norm.weight", HeadWidth},
};
constexpr std::array folderWholeNorms = {
    TensorRow{"self_attn.q_norm.weight", "attention.q_norm.weight", Queries},
    TensorRow{"self_attn.k_norm.weight", "attention.k_norm.weight", Keys},
};
constexpr std::array folderQueryKeyValue = {
    TensorRow{"self_attn.q_proj.weight", "attention.q.weight", Queries, Width},
    TensorRow{"self_attn.k_proj.weight", "attention.k.weight", Keys, Width},
    TensorRow{"self_attn.v_proj.weight", "attention.v.weight", Keys, Width},
    TensorRow{"self_attn.q_proj.bias", "attention.q.bias", Queries, None, Rows::AsStored,
              When::QueryKeyValueBias},
    TensorRow{"self_attn.k_proj.bias", "attention.k.bias", Keys, None, Rows::AsStored,
              When::QueryKeyValueBias},
    TensorRow{"self_attn.v_proj.bias", "attention.v.bias", Keys, None, Rows::AsStored,
              When::QueryKeyValueBias},
};
constexpr std::array folderFused = {
    TensorRow{"self_attn.qkv_proj.weight", "attention.q.weight", Queries, Width, Rows::Query},
    TensorRow{"self_attn.qkv_proj.weight", "attention.k.weight", Keys, Width, Rows::Key},
    TensorRow{"self_attn.qkv_proj.weight", "attention.v.weight", Keys, Width, Rows::Value},
};
constexpr std::array folderOutput = {
    TensorRow{"self_attn.o_proj.weight", "attention.o.weight", Width, Queries},
    TensorRow{"self_attn.o_proj.bias", "attention.o.bias", Width, None, Rows::AsStored, When::OutputBias},
};
constexpr std::array folderGated = {
    TensorRow{"mlp.gate_proj.weight", "mlp.gate.weight", FeedForward, Width},
    TensorRow{"mlp.up_proj.weight", "mlp.up.weight", FeedForward, Width},
    TensorRow{"mlp.gate_proj.bias", "mlp.gate.bias", FeedForward, None, Rows::AsStored,
              When::FeedForwardBias},
    TensorRow{"mlp.up_proj.bias", "mlp.up.bias", FeedForward, None, Rows::AsStored, When::FeedForwardBias},
};
constexpr std::array folderFusedGate = {
    TensorRow{"mlp.gate_up_proj.weight", "mlp.gate.weight", FeedForward, Width, Rows::Gate},
    TensorRow{"mlp.gate_up_proj.weight", "mlp.up.weight", FeedForward, Width, Rows::Up},
};
constexpr std::array folderDown = {
    TensorRow{"mlp.down_proj.weight", "mlp.down.weight", Width, FeedForward},
    TensorRow{"mlp.down_proj.bias", "mlp.down.bias", Width, None, Rows::AsStored, When::FeedForwardBias},
};
constexpr std::array folderNeox = {
    TensorRow{"attention.query_key_value.weight", "attention.q.weight", Queries, Width, Rows::QueryOfHead},
    TensorRow{"attention.query_key_value.weight", "attention.k.weight", Keys, Width, Rows::KeyOfHead},
    TensorRow{"attention.query_key_value.weight", "attention.v.weight", Keys, Width, Rows::ValueOfHead},
    TensorRow{"attention.query_key_value.bias", "attention.q.bias", Queries, None, Rows::QueryOfHead,
              When::QueryKeyValueBias},
    TensorRow{"attention.query_key_value.bias", "attention.k.bias", Keys, None, Rows::KeyOfHead,
              When::QueryKeyValueBias},
    TensorRow{"attention.query_key_value.bias", "attention.v.bias", Keys, None, Rows::ValueOfHead,
              When::QueryKeyValueBias},
    TensorRow{"attention.dense.weight", "attention.o.weight", Width, Queries},
    TensorRow{"attention.dense.bias", "attention.o.bias", Width, None, Rows::AsStored, When::OutputBias},
    TensorRow{"mlp.dense_h_to_4h.weight", "mlp.up.weight", FeedForward, Width},
    TensorRow{"mlp.dense_h_to_4h.bias", "mlp.up.bias", FeedForward},
    TensorRow{"mlp.dense_4h_to_h.weight", "mlp.down.weight", Width, FeedForward},
    TensorRow{"mlp.dense_4h_to_h.bias", "mlp.down.bias", Width},
};
constexpr std::array folderGpt2 = {
    TensorRow{"ln_1.weight", "attention.norm.weight", Width},
    TensorRow{"ln_1.bias", "attention.norm.bias", Width},
    TensorRow{"attn.c_attn.weight", "attention.q.weight", Queries, Width, Rows::TransposedQuery},
    TensorRow{"attn.c_attn.weight", "attention.k.weight", Keys, Width, Rows::TransposedKey},
    TensorRow{"attn.c_attn.weight", "attention.v.weight", Keys, Width, Rows::TransposedValue},
    TensorRow{"attn.c_attn.bias", "attention.q.bias", Queries, None, Rows::Query},
    TensorRow{"attn.c_attn.bias", "attention.k.bias", Keys, None, Rows::Key},
    TensorRow{"attn.c_attn.bias", "attention.v.bias", Keys, None, Rows::Value},
    TensorRow{"attn.c_proj.weight", "attention.o.weight", Width, Queries, Rows::Transposed},
    TensorRow{"attn.c_proj.bias", "attention.o.bias", Width},
    TensorRow{"ln_2.weight", "mlp.norm.weight", Width},
    TensorRow{"ln_2.bias", "mlp.norm.bias", Width},
    TensorRow{"mlp.c_fc.weight", "mlp.up.weight", FeedForward, Width, Rows::Transposed},
    TensorRow{"mlp.c_fc.bias", "mlp.up.bias", FeedForward},
    TensorRow{"mlp.c_proj.weight", "mlp.down.weight", Width, FeedForward, Rows::Transposed},
    TensorRow{"mlp.c_proj.bias", "mlp.down.bias", Width},
};

constexpr std::array ggufLlama = {Group(ggufNorms),  Group(ggufInterleaved), Group(ggufValue),
                                  Group(ggufOutput), Group(ggufGated),       Group(ggufUp),
                                  Group(ggufDown)};
constexpr std::array ggufQwen2 = {Group(ggufNorms),  Group(ggufQueryKey), Group(ggufValue),
                                  Group(ggufOutput), Group(ggufGated),    Group(ggufUp),
                                  Group(ggufDown)};
constexpr std::array ggufQwen3 = {Group(ggufNorms), Group(ggufHeadNorms), Group(ggufQueryKey),
                                  Group(ggufValue), Group(ggufOutput),    Group(ggufGated),
                                  Group(ggufUp),    Group(ggufDown)};
constexpr std::array ggufGemma2 = {Group(ggufNorms), Group(ggufPostNorms), Group(ggufQueryKey),
                                   Group(ggufValue), Group(ggufOutput),    Group(ggufGated),
                                   Group(ggufUp),    Group(ggufDown)};
constexpr std::array ggufGemma3 = {Group(ggufNorms),     Group(ggufPostNorms), Group(ggufHeadNorms),
                                   Group(ggufQueryKey),  Group(ggufValue),     Group(ggufOutput),
                                   Group(ggufGated),     Group(ggufUp),        Group(ggufDown)};
constexpr std::array ggufPhi3 = {Group(ggufNorms), Group(ggufFused), Group(ggufOutput), Group(ggufFusedGate),
                                 Group(ggufDown)};
constexpr std::array ggufOlmo2 = {Group(ggufPostNorms), Group(ggufWholeNorms), Group(ggufQueryKey),
                                  Group(ggufValue),     Group(ggufOutput),     Group(ggufGated),
                                  Group(ggufUp),        Group(ggufDown)};
constexpr std::array ggufGpt = {Group(ggufNorms),  Group(ggufNormBiases), Group(ggufFused),
                                Group(ggufOutput), Group(ggufUp),         Group(ggufDown)};
constexpr std::array folderLlama = {Group(folderNorms), Group(folderQueryKeyValue), Group(folderOutput),
                                    Group(folderGated), Group(folderDown)};
constexpr std::array folderQwen3 = {Group(folderNorms),  Group(folderHeadNorms), Group(folderQueryKeyValue),
                                    Group(folderOutput), Group(folderGated),     Group(folderDown)};
constexpr std::array folderGemma2 = {Group(folderGemmaNorms), Group(folderQueryKeyValue), Group(folderOutput),
                                     Group(folderGated), Group(folderDown)};
constexpr std::array folderGemma3 = {Group(folderGemmaNorms), Group(folderHeadNorms),
                                     Group(folderQueryKeyValue), Group(folderOutput), Group(folderGated),
                                     Group(folderDown)};
constexpr std::array folderPhi3 = {Group(folderNorms), Group(folderFused), Group(folderOutput),
                                   Group(folderFusedGate), Group(folderDown)};
constexpr std::array folderOlmo2 = {Group(folderPostNorms), Group(folderWholeNorms),
                                    Group(folderQueryKeyValue), Group(folderOutput), Group(folderGated),
                                    Group(folderDown)};
constexpr std::array folderGptNeox = {Group(folderNorms), Group(folderNormBiases), Group(folderNeox)};
constexpr std::array folderGpt2Groups = {Group(folderGpt2)};

constexpr OuterNames ggufOuter{"token_embd.weight", "position_embd.weight", "output_norm", "blk.",
                               {"output.weight", ""}};
constexpr OuterNames folderOuter{
    "embed_tokens.weight", "", "norm", "layers.", {"lm_head.weight", "language_model.lm_head.weight"}};
constexpr OuterNames neoxOuter{
    "embed_in.weight", "", "final_layer_norm", "layers.", {"embed_out.weight", "lm_head.weight"}};
constexpr OuterNames gpt2Outer{"wte.weight", "wpe.weight", "ln_f", "h.", {"lm_head.weight", ""}};

constexpr std::array noPrefix = {""};
constexpr std::array modelPrefixes = {"model.", "", "language_model.model.", "model.language_model."};
constexpr std::array neoxPrefixes = {"gpt_neox.", ""};
constexpr std::array gpt2Prefixes = {"transformer.", ""};

constexpr std::array<const char*, 0> nothing = {};
constexpr std::array rotaryEnds = {".rotary_emb.inv_freq"};
constexpr std::array neoxEnds = {".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"};
constexpr std::array gpt2Ends = {".attn.bias", ".attn.masked_bias"};
constexpr std::array gemma3Starts = {"vision_tower.", "multi_modal_projector.", "model.vision_tower.",
                                     "model.multi_modal_projector."};
constexpr std::array ggufFrequencies = {"rope_freqs.weight"};
constexpr std::array ggufFactors = {"rope_factors_long.weight", "rope_factors_short.weight"};

// The GGUF converter stores 1 + w of every norm of the Gemmas; the offset gives back w.
using enum Container;
constexpr std::array rows = {
    FamilyRow{"gemma2", Gguf, ggufOuter, noPrefix, ggufGemma2, nothing, nothing, -1},
    FamilyRow{"gemma3", Gguf, ggufOuter, noPrefix, ggufGemma3, nothing, nothing, -1},
    FamilyRow{"gpt2", Gguf, ggufOuter, noPrefix, ggufGpt, nothing, nothing, 0, true},
    FamilyRow{"gpt_neox", Gguf, ggufOuter, noPrefix, ggufGpt, nothing, nothing, 0, true},
    FamilyRow{"llama", Gguf, ggufOuter, noPrefix, ggufLlama, ggufFrequencies, nothing},
    FamilyRow{"olmo2", Gguf, ggufOuter, noPrefix, ggufOlmo2, nothing, nothing},
    FamilyRow{"phi3", Gguf, ggufOuter, noPrefix, ggufPhi3, ggufFactors, nothing},
    FamilyRow{"qwen2", Gguf, ggufOuter, noPrefix, ggufQwen2, ggufFrequencies, nothing},
    FamilyRow{"qwen3", Gguf, ggufOuter, noPrefix, ggufQwen3, ggufFrequencies, nothing},
    FamilyRow{"gemma2", Folder, folderOuter, modelPrefixes, folderGemma2, nothing, rotaryEnds},
    FamilyRow{"gemma3", Folder, folderOuter, modelPrefixes, folderGemma3, gemma3Starts, rotaryEnds},
    FamilyRow{"gpt2", Folder, gpt2Outer, gpt2Prefixes, folderGpt2Groups, nothing, gpt2Ends, 0, true},
    FamilyRow{"gpt_neox", Folder, neoxOuter, neoxPrefixes, folderGptNeox, nothing, neoxEnds, 0, true},
    FamilyRow{"llama", Folder, folderOuter, modelPrefixes, folderLlama, nothing, rotaryEnds},
    FamilyRow{"mistral", Folder, folderOuter, modelPrefixes, folderLlama, nothing, rotaryEnds},
    FamilyRow{"olmo2", Folder, folderOuter, modelPrefixes, folderOlmo2, nothing, rotaryEnds},
    FamilyRow{"phi3", Folder, folderOuter, modelPrefixes, folderPhi3, nothing, rotaryEnds},
    FamilyRow{"qwen2", Folder, folderOuter, modelPrefixes, folderLlama, nothing, rotaryEnds},
    FamilyRow{"qwen3", Folder, folderOuter, modelPrefixes, folderQwen3, nothing, rotaryEnds},
};

} // namespace

std::span<const FamilyRow> families() { return rows; }

} // namespace azimuth::tensor_table
