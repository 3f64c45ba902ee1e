// StableLM (Bellagente et al. 2024): Llama with layer norms and a partial rotation.
#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {

ModelConfig stablelm(const ConfigReader& config) {
  ModelConfig model = llama_like(config, {.kv_heads = 32, .n_ctx = 4096}, 1e-5, {.fraction = 0.25});
  const double eps = config.positive("layer_norm_eps", 1e-5);
  const bool qkv_bias = config.flag("use_qkv_bias", false), parallel = config.flag("use_parallel_residual", false);
  const bool norms_heads = config.flag("qk_layernorm", false);
  model.ln_final = layer_norm(eps);
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    block.ln1 = block.ln2 = model.ln_final;
    block.parallel = block.shared_norm = parallel;
    block.attention.qkv_bias = qkv_bias;
    block.attention.out_bias = block.mlp.bias = false;
    if (!norms_heads) return;
    block.q_norm = layer_norm(eps, false);
    block.q_norm.by_head = true;
    block.k_norm = block.q_norm;
  });
  model.tensors.q_norm = "self_attn.q_layernorm.norms.{}";
  model.tensors.k_norm = "self_attn.k_layernorm.norms.{}";
  return model;
}

}  // namespace stratoscope
