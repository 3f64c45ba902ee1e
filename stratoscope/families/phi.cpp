// Phi-1, 1.5 and 2 (Gunasekar et al. 2023), with parallel attention and MLP, which read one norm; Phi-3 and 4.
#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {

ModelConfig phi(const ConfigReader& config) {
  ModelConfig model = decoder(config);
  model.ln_final = layer_norm(config.positive("layer_norm_eps", 1e-5));
  const Activation activation = config.activation("hidden_act", "gelu_new");
  const Rotary rotary = read_rotary(config, model.d_head(), model.n_ctx, {.fraction = 0.5});
  const bool norms_heads = config.flag("qk_layernorm", false);
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    block.ln1 = block.ln2 = model.ln_final;
    block.parallel = block.shared_norm = true;
    if (norms_heads) block.q_norm = block.k_norm = model.ln_final;
    block.attention.rotary = rotary;
    block.mlp.activation = activation;
  });
  model.unembed_bias = true;
  TensorNames& names = model.tensors = llama_names();
  names.ln_final = "final_layernorm";
  names.o = "self_attn.dense";
  names.q_norm = "self_attn.q_layernorm", names.k_norm = "self_attn.k_layernorm";
  names.up = "mlp.fc1", names.down = "mlp.fc2";
  names.activation = "mlp.activation_fn", names.drop = "embed_dropout";
  return model;
}

ModelConfig phi3(const ConfigReader& config) {
  ModelConfig model = llama_like(config, {.n_ctx = 4096}, 1e-5, {.is_always_longrope = true, .original_context = 4096});
  const std::size_t window = config.size_unless_null("sliding_window", std::nullopt).value_or(0);
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    block.attention.window = window;
    block.attention.qkv_bias = block.attention.out_bias = block.mlp.bias = false;
  });
  model.tensors.qkv = QkvStorage::thirds;
  model.tensors.q = "self_attn.qkv_proj";
  model.tensors.gate = "mlp.gate_up_proj";
  model.tensors.gate_with_up = true;
  return model;
}

}  // namespace stratoscope
