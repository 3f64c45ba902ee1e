// GPT-2 (Radford et al. 2019): layer norms before attention and MLP, learned positions, matrices stored [in, out].
#include <cmath>

#include "stratoscope/families/registry.h"

namespace stratoscope {

ModelConfig gpt2(const ConfigReader& config) {
  if (config.flag("add_cross_attention", false)) config.refuse("add_cross_attention is not implemented");
  ModelConfig model;
  const std::size_t layers = config.required_size("n_layer", kMostLayers), heads = config.required_size("n_head");
  model.d_model = config.required_size("n_embd");
  model.d_vocab = config.required_size("vocab_size");
  model.n_ctx = config.has("n_positions") ? config.required_size("n_positions") : config.required_size("n_ctx");
  if (model.d_model % heads != 0)
    config.fail("n_embd " + std::to_string(model.d_model) + " is not a multiple of n_head " + std::to_string(heads));
  model.learned_positions = true;

  BlockSpec block;
  block.attention.heads = block.attention.kv_heads = heads;
  block.attention.d_head = model.d_model / heads;
  block.mlp.width = config.size("n_inner").value_or(4 * model.d_model);
  block.mlp.activation = config.activation("activation_function", "gelu_new");
  block.ln1 = {.kind = NormKind::layer, .eps = config.positive("layer_norm_epsilon", 1e-5)};
  block.ln2 = model.ln_final = block.ln1;
  const bool scaled = config.flag("scale_attn_weights", true);
  const bool by_layer = config.flag("scale_attn_by_inverse_layer_idx", false);
  for (std::size_t layer = 0; layer < layers; ++layer) {
    block.attention.scale = scaled ? 1.0 / std::sqrt(static_cast<double>(block.attention.d_head)) : 1.0;
    if (by_layer) block.attention.scale /= static_cast<double>(layer + 1);
    model.blocks.push_back(block);
  }
  model.tied = model.head_unties = config.flag("tie_word_embeddings", true);
  model.switches = {{"scale_attn_weights", scaled}, {"scale_attn_by_inverse_layer_idx", by_layer}};

  TensorNames& names = model.tensors;
  names.prefix = "transformer.";
  names.layout = WeightLayout::in_out;
  names.qkv = QkvStorage::thirds;
  names.embed = "wte", names.pos_embed = "wpe", names.ln_final = "ln_f", names.unembed = "lm_head";
  names.block = "h.{}.";
  names.ln1 = "ln_1", names.q = "attn.c_attn", names.o = "attn.c_proj";
  names.ln2 = "ln_2", names.up = "mlp.c_fc", names.down = "mlp.c_proj";
  names.activation = "mlp.act", names.drop = "drop";
  names.ignored_in_block = {"attn.bias", "attn.masked_bias"};
  return model;
}

}  // namespace stratoscope
