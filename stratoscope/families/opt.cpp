// OPT (Zhang et al. 2022): GPT-2's blocks with ReLU; the table of positions begins two rows late.
#include <cmath>

#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {

ModelConfig opt(const ConfigReader& config) {
  if (!config.flag("do_layer_norm_before", true) || config.flag("_remove_final_layer_norm", false))
    config.refuse("norms after the additions are not implemented", "in OPT only opt-350m has them");
  ModelConfig model;
  const std::size_t layers = config.required_size("num_hidden_layers", kMostLayers);
  model.d_model = config.required_size("hidden_size");
  model.d_vocab = config.required_size("vocab_size");
  model.n_ctx = config.size("max_position_embeddings").value_or(2048);
  if (config.size("word_embed_proj_dim").value_or(model.d_model) != model.d_model)
    config.refuse("a word_embed_proj_dim other than hidden_size is not implemented", "in OPT only opt-350m has it");
  model.learned_positions = true;
  model.position_offset = 2;
  model.tied = config.flag("tie_word_embeddings", true);
  const bool bias = config.flag("enable_bias", true);
  model.ln_final = layer_norm(1e-5);
  model.ln_final.weight = model.ln_final.bias = config.flag("layer_norm_elementwise_affine", true);

  BlockSpec block;
  block.ln1 = block.ln2 = model.ln_final;
  AttentionSpec& attention = block.attention;
  attention.heads = attention.kv_heads = config.required_size("num_attention_heads");
  attention.d_head = head_size(config, model.d_model, attention.heads, "hidden_size num_attention_heads");
  attention.scale = 1 / std::sqrt(static_cast<double>(attention.d_head));
  attention.qkv_bias = attention.out_bias = block.mlp.bias = bias;
  block.mlp.width = config.required_size("ffn_dim");
  block.mlp.activation = config.activation("activation_function", "relu");
  model.blocks.assign(layers, block);

  TensorNames& names = model.tensors;
  names.prefix = "model.decoder.";
  names.embed = "embed_tokens", names.pos_embed = "embed_positions";
  names.ln_final = "final_layer_norm", names.unembed = "lm_head";
  names.block = "layers.{}.";
  names.ln1 = "self_attn_layer_norm", names.ln2 = "final_layer_norm";
  names.q = "self_attn.q_proj", names.k = "self_attn.k_proj", names.v = "self_attn.v_proj";
  names.o = "self_attn.out_proj";
  names.up = "fc1", names.down = "fc2";
  names.activation = "activation_fn";
  return model;
}

}  // namespace stratoscope
