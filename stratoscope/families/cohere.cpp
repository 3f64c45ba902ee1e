// Cohere's Command-R: layer norms without bias, parallel attention and MLP, interleaved rotation.
#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {

ModelConfig cohere(const ConfigReader& config) {
  ModelConfig model = llama_like(config, {.n_ctx = 8192, .tied = true}, 1e-5, {.base = 5e5, .interleaved = true});
  model.ln_final = layer_norm(config.positive("layer_norm_eps", 1e-5), false);
  model.logit_scale = config.positive("logit_scale", 0.0625, kLargestFactor);
  const bool norms_heads = config.flag("use_qk_norm", false);
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    block.ln1 = block.ln2 = model.ln_final;
    block.parallel = block.shared_norm = true;
    block.mlp.bias = false;
    if (!norms_heads) return;
    block.q_norm = model.ln_final;
    block.q_norm.by_head = true;
    block.k_norm = block.q_norm;
  });
  return model;
}

}  // namespace stratoscope
