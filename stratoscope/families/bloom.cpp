// BLOOM (BigScience 2022): ALiBi instead of positions, and a norm of the embedding.
#include <cmath>

#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {

ModelConfig bloom(const ConfigReader& config) {
  if (config.flag("apply_residual_connection_post_layernorm", false))
    config.refuse("apply_residual_connection_post_layernorm is not implemented");
  ModelConfig model;
  const std::size_t layers = config.required_size(config.has("n_layer") ? "n_layer" : "num_hidden_layers", kMostLayers);
  model.d_model = config.required_size(config.has("n_embed") ? "n_embed" : "hidden_size");
  model.d_vocab = config.required_size("vocab_size");
  model.n_ctx = config.size("seq_length").value_or(2048);
  model.tied = config.flag("tie_word_embeddings", true);
  model.embed_norm = model.ln_final = layer_norm(config.positive("layer_norm_epsilon", 1e-5));

  BlockSpec block;
  block.ln1 = block.ln2 = model.ln_final;
  AttentionSpec& attention = block.attention;
  attention.heads = attention.kv_heads = config.required_size(config.has("n_head") ? "n_head" : "num_attention_heads");
  attention.d_head = head_size(config, model.d_model, attention.heads, "hidden_size n_head");
  attention.scale = 1 / std::sqrt(static_cast<double>(attention.d_head));
  attention.slopes = true;
  block.mlp.width = 4 * model.d_model;
  block.mlp.activation = Activation::gelu_new;
  model.blocks.assign(layers, block);

  TensorNames& names = model.tensors;
  names.prefix = "transformer.";
  names.embed = "word_embeddings", names.embed_norm = "word_embeddings_layernorm";
  names.ln_final = "ln_f", names.unembed = "lm_head";
  names.block = "h.{}.";
  names.ln1 = "input_layernorm", names.ln2 = "post_attention_layernorm";
  names.qkv = QkvStorage::by_head;
  names.q = "self_attention.query_key_value", names.o = "self_attention.dense";
  names.up = "mlp.dense_h_to_4h", names.down = "mlp.dense_4h_to_h";
  names.activation = "mlp.gelu_impl";
  return model;
}

}  // namespace stratoscope
