// Gemma 1, 2 and 3 (Gemma Team 2024, 2025), the text part.
#include <cmath>

#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {
namespace {

// Norms multiply by one more than their weight, and the embedding enters the stream scaled.
ModelConfig gemma_like(const ConfigReader& config, const DecoderDefaults& defaults, const char* activation_key,
                       const RotaryKeys& rotary = {}) {
  ModelConfig model = llama_like(config, defaults, 1e-6, rotary);
  const Activation activation = config.activation(activation_key, "gelu_pytorch_tanh");
  model.embed_scale = std::sqrt(static_cast<double>(model.d_model));
  model.ln_final.plus_one = true;
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    block.ln1 = block.ln2 = model.ln_final;
    block.mlp.activation = activation;
    block.mlp.bias = false;
  });
  return model;
}

// For each block, whether it has a window: by layer_types, or else all except every n-th block.
std::vector<bool> windowed_blocks(const ConfigReader& config, std::size_t layers, std::size_t every) {
  std::vector<bool> local = local_blocks(config, layers);
  const std::size_t pattern = config.size("sliding_window_pattern").value_or(every);
  for (std::size_t layer = local.size(); layer < layers; ++layer) local.push_back((layer + 1) % pattern != 0);
  return local;
}

// Norms after both branches, windows in some blocks, its own scale.
ModelConfig with_post_norms(const ConfigReader& config, const DecoderDefaults& defaults, std::size_t every,
                            const RotaryKeys& rotary = {}) {
  ModelConfig model = gemma_like(config, defaults, "hidden_activation", rotary);
  const double scale = 1 / std::sqrt(config.positive("query_pre_attn_scalar", 256, kLargestFactor));
  const std::size_t window = config.size_unless_null("sliding_window", 4096).value_or(0);
  const std::vector<bool> local = windowed_blocks(config, model.n_layers(), every);
  for_each_block(model, [&](BlockSpec& block, std::size_t layer) {
    block.ln1_post = block.ln2_post = model.ln_final;
    block.attention.scale = scale;
    if (local[layer]) block.attention.window = window;
  });
  TensorNames& names = model.tensors;
  names.ln1_post = "post_attention_layernorm";
  names.ln2 = "pre_feedforward_layernorm", names.ln2_post = "post_feedforward_layernorm";
  return model;
}

// null disables a cap
double cap_of(const ConfigReader& config, const char* key, double otherwise) {
  return config.is_null(key) ? 0 : config.has(key) ? config.positive(key, 1, kLargestFactor) : otherwise;
}

constexpr DecoderDefaults kGemma3 = {2304, 262208, 26, 8, 9216, 4, 256, 131072, true};

}  // namespace

ModelConfig gemma(const ConfigReader& config) {
  return gemma_like(config, {.kv_heads = 16, .d_head = 256, .n_ctx = 8192, .tied = true}, "hidden_act");
}

ModelConfig gemma2(const ConfigReader& config) {
  ModelConfig model = with_post_norms(config, {.kv_heads = 4, .d_head = 256, .n_ctx = 8192, .tied = true}, 2);
  const double cap = cap_of(config, "attn_logit_softcapping", 50);
  model.logit_cap = cap_of(config, "final_logit_softcapping", 30);
  for_each_block(model, [&](BlockSpec& block, std::size_t) { block.attention.score_cap = cap; });
  return model;
}

// Blocks with a window have their own base, without scaling.
ModelConfig gemma3_text(const ConfigReader& config) {
  if (config.flag("use_bidirectional_attention", false))
    config.refuse("use_bidirectional_attention is not implemented", "a decoder reads its text from left to right");
  constexpr std::size_t kEvery = 6;
  ModelConfig model = with_post_norms(config, kGemma3, kEvery, {.base = 1e6, .part = "full_attention"});
  model.logit_cap = cap_of(config, "final_logit_softcapping", 0);
  const Rotary turning = local_rotary(config, model.d_head(), model.n_ctx,
                                      {.base_key = "rope_local_base_freq", .part = "sliding_attention"});
  const std::vector<bool> local = windowed_blocks(config, model.n_layers(), kEvery);
  for_each_block(model, [&](BlockSpec& block, std::size_t layer) {
    block.q_norm = block.k_norm = model.ln_final;
    if (local[layer]) block.attention.rotary = turning;
  });
  return model;
}

// The text part of a model with images.
ModelConfig gemma3(const ConfigReader& config) {
  const auto text = config.section("text_config");
  if (!text) config.fail("text_config is missing");
  ModelConfig model = gemma3_text(*text);
  read_ends(*text, model);
  model.tensors.ignored = {"vision_tower.", "multi_modal_projector.", "model.vision_tower.",
                           "model.multi_modal_projector."};
  return model;
}

}  // namespace stratoscope
