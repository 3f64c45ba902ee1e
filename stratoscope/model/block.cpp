#include "stratoscope/model/block.h"

#include <string>

#include "stratoscope/model/attention.h"
#include "stratoscope/ops/activation.h"
#include "stratoscope/ops/add.h"
#include "stratoscope/ops/layer_norm.h"

namespace stratoscope {
namespace {

// attn.hook_result: each head's share of attn_out, z_h W_O[h], which the engine otherwise never forms.
void write_result(const BlockContext& context, std::size_t layer, MatrixView<const float> z, Tensor& result) {
  const std::size_t heads = context.config.n_heads, d_head = context.config.d_head, d_model = context.config.d_model;
  const Tensor w_o = context.checkpoint.read<float>("h." + std::to_string(layer) + ".attn.c_proj.weight");
  for (std::size_t head = 0; head < heads; ++head) {
    const float* rows_of_head = w_o.data() + head * d_head * d_model;
    const PackedMatrix w_o_head(rows_of_head, d_head, d_model, WeightLayout::in_out, nullptr);
    const MatrixView<float> out(result.data() + head * d_model, z.rows, d_model, heads * d_model);
    w_o_head.multiply(z.cols_from(head * d_head, d_head), out);
  }
}

}  // namespace

Scratch::Scratch(const ModelConfig& config, std::size_t rows)
    : scale({rows, 1}),
      normalized({rows, config.d_model}),
      normed({rows, config.d_model}),
      qkv({rows, 3 * config.d_model}),
      z({rows, config.d_model}),
      attn_out({rows, config.d_model}),
      resid_mid({rows, config.d_model}),
      mlp({rows, config.d_mlp}),
      mlp_out({rows, config.d_model}) {}

void run_block(const BlockContext& context, const BlockWeights& weights, std::size_t layer, MatrixView<float> resid_pre,
               MatrixView<float> resid_post, Scratch& scratch, Hooks<float>& hooks) {
  const ModelConfig& config = context.config;
  const auto eps = static_cast<float>(config.layer_norm_eps);
  const auto scale = scratch.scale.matrix();
  const auto normalized = scratch.normalized.matrix(), normed = scratch.normed.matrix();
  const auto q = scratch.qkv.matrix().cols_from(0, config.d_model);
  const auto k = scratch.qkv.matrix().cols_from(config.d_model, config.d_model);
  const auto v = scratch.qkv.matrix().cols_from(2 * config.d_model, config.d_model);
  const auto z = scratch.z.matrix(), attn_out = scratch.attn_out.matrix(), resid_mid = scratch.resid_mid.matrix();
  const auto mlp = scratch.mlp.matrix(), mlp_out = scratch.mlp_out.matrix();

  hooks.fire({Point::resid_pre, layer}, resid_pre);
  layer_norm_statistics(resid_pre, eps, normalized, scale.data);
  hooks.fire({Point::ln1_scale, layer}, scale);
  hooks.fire({Point::ln1_normalized, layer}, normalized);
  scale_and_shift(normalized, weights.ln1.weight.data(), weights.ln1.bias.data(), normed);

  weights.qkv.multiply(normed, scratch.qkv.matrix());
  hooks.fire({Point::q, layer}, q);
  hooks.fire({Point::k, layer}, k);
  hooks.fire({Point::v, layer}, v);
  causal_attention(q, k, v, config.n_heads, static_cast<float>(config.attention_scale(layer)), context.row_offsets,
                   hooks.destination({Point::attn_scores, layer}), hooks.destination({Point::pattern, layer}), z);
  hooks.fire({Point::z, layer}, z);
  if (Tensor* result = hooks.destination({Point::result, layer})) write_result(context, layer, z, *result);
  weights.attn_out.multiply(z, attn_out);
  hooks.fire({Point::attn_out, layer}, attn_out);
  add(resid_pre, attn_out, resid_mid);
  hooks.fire({Point::resid_mid, layer}, resid_mid);

  layer_norm_statistics(resid_mid, eps, normalized, scale.data);
  hooks.fire({Point::ln2_scale, layer}, scale);
  hooks.fire({Point::ln2_normalized, layer}, normalized);
  scale_and_shift(normalized, weights.ln2.weight.data(), weights.ln2.bias.data(), normed);

  weights.mlp_in.multiply(normed, mlp);
  hooks.fire({Point::mlp_pre, layer}, mlp);
  activate(config.activation, mlp);
  hooks.fire({Point::mlp_post, layer}, mlp);
  weights.mlp_out.multiply(mlp, mlp_out);
  hooks.fire({Point::mlp_out, layer}, mlp_out);
  add(resid_mid, mlp_out, resid_post);
  hooks.fire({Point::resid_post, layer}, resid_post);
}

}  // namespace stratoscope
