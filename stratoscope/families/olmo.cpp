// OLMo 1 and 2 (Groeneveld et al. 2024, OLMo Team 2025).
#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {

// Layer norms without weights.
ModelConfig olmo(const ConfigReader& config) {
  ModelConfig model = llama_like(config, {.d_mlp = kLlamaMlp});
  model.ln_final = layer_norm(1e-5, false);
  model.ln_final.weight = false;
  const double clip = config.has("clip_qkv") ? config.positive("clip_qkv", 1, kLargestFactor) : 0;
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    block.ln1 = block.ln2 = model.ln_final;
    block.attention.clip = clip;
    block.mlp.bias = false;
  });
  return model;
}

// Only norms after the branches; queries and keys have norms over all heads together.
ModelConfig olmo2(const ConfigReader& config) {
  ModelConfig model = llama_like(config, {.d_mlp = kLlamaMlp}, 1e-5);
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    block.ln1 = block.ln2 = {};
    block.ln1_post = block.ln2_post = model.ln_final;
    block.q_norm = block.k_norm = model.ln_final;
    block.q_norm.wide = block.k_norm.wide = true;
    block.mlp.bias = false;
  });
  model.tensors.ln1_post = "post_attention_layernorm";
  model.tensors.ln2_post = "post_feedforward_layernorm";
  return model;
}

}  // namespace stratoscope
