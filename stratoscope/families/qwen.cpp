// Qwen 2, 2.5 and 3 (Yang et al. 2024, 2025).
#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {
namespace {

// Published files have a window that use_sliding_window disables.
void add_windows(const ConfigReader& config, ModelConfig& model) {
  if (!config.flag("use_sliding_window", false)) return;
  const std::size_t window = config.size_unless_null("sliding_window", 4096).value_or(0);
  const std::size_t first = config.size_or_zero("max_window_layers", 28);
  const std::vector<bool> local = local_blocks(config, model.n_layers());
  for_each_block(model, [&](BlockSpec& block, std::size_t layer) {
    if (local.empty() ? layer >= first : static_cast<bool>(local[layer])) block.attention.window = window;
  });
}

}  // namespace

ModelConfig qwen2(const ConfigReader& config) {
  ModelConfig model = llama_like(config, {.kv_heads = 32, .n_ctx = 32768});
  for_each_block(model, [](BlockSpec& block, std::size_t) {
    block.attention.qkv_bias = true;
    block.attention.out_bias = block.mlp.bias = false;
  });
  add_windows(config, model);
  return model;
}

ModelConfig qwen3(const ConfigReader& config) {
  ModelConfig model = llama_like(config, {.kv_heads = 32, .d_head = 128, .n_ctx = 32768});
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    block.q_norm = block.k_norm = model.ln_final;
    block.mlp.bias = false;
  });
  add_windows(config, model);
  return model;
}

}  // namespace stratoscope
