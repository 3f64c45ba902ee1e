// Llama (Touvron et al. 2023) and the families that change little of it.
#include <cmath>

#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {

ModelConfig llama(const ConfigReader& config) { return llama_like(config, {.d_mlp = kLlamaMlp}); }

// Every block has a window, unless it is null.
ModelConfig mistral(const ConfigReader& config) {
  ModelConfig model = llama_like(config, {.kv_heads = 8, .n_ctx = 131072});
  const std::size_t window = config.size_unless_null("sliding_window", 4096).value_or(0);
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    block.attention.window = window;
    block.attention.qkv_bias = block.attention.out_bias = block.mlp.bias = false;
  });
  return model;
}

ModelConfig granite(const ConfigReader& config) {
  ModelConfig model = llama_like(config, {.d_mlp = kLlamaMlp});
  model.embed_scale = config.positive("embedding_multiplier", 1, kLargestFactor);
  model.logit_scale = 1 / config.positive("logits_scaling", 1, kLargestFactor);
  const double branches = config.positive("residual_multiplier", 1, kLargestFactor);
  const double scores = config.positive("attention_multiplier", 1, kLargestFactor);
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    block.branch_scale = branches;
    block.attention.scale = scores;
  });
  return model;
}

// Some blocks do not rotate, and only some of those have a window. Contrary to the list's name, 1 means that a block
// rotates.
ModelConfig smollm3(const ConfigReader& config) {
  ModelConfig model =
      llama_like(config, {.d_mlp = kLlamaMlp, .kv_heads = 4, .n_ctx = 32768, .tied = true}, 1e-6, {.base = 2e6});
  model.is_rotary = true;
  const std::size_t layers = model.n_layers(), interval = config.size("no_rope_layer_interval").value_or(4);
  const std::vector<std::string> rotating = config.texts("no_rope_layers", layers);
  const std::vector<bool> local = local_blocks(config, layers);
  const std::size_t window = config.flag("use_sliding_window", false)
                                 ? config.size_unless_null("sliding_window", std::nullopt).value_or(0)
                                 : 0;
  for (const std::string& entry : rotating)
    if (entry != "0" && entry != "1") config.fail("no_rope_layers has an entry that is " + entry + ", expected 0 or 1");
  for_each_block(model, [&](BlockSpec& block, std::size_t layer) {
    const bool rotates = rotating.empty() ? (layer + 1) % interval != 0 : rotating[layer] != "0";
    if (!rotates) block.attention.rotary = {};
    if (local.empty() ? !rotates : static_cast<bool>(local[layer])) block.attention.window = window;
  });
  return model;
}

}  // namespace stratoscope
