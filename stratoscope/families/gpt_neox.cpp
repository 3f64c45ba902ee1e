// GPT-NeoX (Black et al. 2022) and Pythia: parallel attention and MLP, each with its norm; fused rows by head.
#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {

ModelConfig gpt_neox(const ConfigReader& config) {
  ModelConfig model = decoder(config, {.d_mlp = 24576});
  model.ln_final = layer_norm(config.positive("layer_norm_eps", 1e-5));
  const bool parallel = config.flag("use_parallel_residual", true), bias = config.flag("attention_bias", true);
  const Activation activation = config.activation("hidden_act", "gelu");
  const Rotary rotary = read_rotary(config, model.d_head(), model.n_ctx,
                                    {.base_key = "rotary_emb_base", .fraction_key = "rotary_pct", .fraction = 0.25});
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    if (block.attention.kv_heads != block.attention.heads) config.refuse("num_key_value_heads is not implemented");
    block.ln1 = block.ln2 = model.ln_final;
    block.parallel = parallel;
    block.attention.qkv_bias = block.attention.out_bias = bias;
    block.attention.rotary = rotary;
    block.mlp.activation = activation;
  });

  TensorNames& names = model.tensors;
  names.prefix = "gpt_neox.";
  names.embed = "embed_in", names.ln_final = "final_layer_norm", names.unembed = "embed_out";
  names.other_unembed = "lm_head";
  names.block = "layers.{}.";
  names.ln1 = "input_layernorm", names.ln2 = "post_attention_layernorm";
  names.qkv = QkvStorage::by_head;
  names.q = "attention.query_key_value", names.o = "attention.dense";
  names.up = "mlp.dense_h_to_4h", names.down = "mlp.dense_4h_to_h";
  names.activation = "mlp.act", names.drop = "emb_dropout";
  names.ignored_in_block = {"attention.bias", "attention.masked_bias", "attention.rotary_emb.inv_freq"};
  return model;
}

}  // namespace stratoscope
