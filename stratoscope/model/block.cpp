#include "stratoscope/model/block.h"

#include <cstring>
#include <utility>
#include <vector>

#include "stratoscope/model/attention.h"
#include "stratoscope/model/head_results.h"
#include "stratoscope/model/kv_cache.h"
#include "stratoscope/ops/activation.h"
#include "stratoscope/ops/add.h"
#include "stratoscope/ops/norm.h"

namespace stratoscope {
namespace {

// What each sequence's queries look at: its own keys and values in this run, behind those that a cache holds.
std::vector<AttendedSequence> attended(const BlockContext& context, std::size_t layer, MatrixView<const float> k,
                                       MatrixView<const float> v) {
  std::vector<AttendedSequence> sequences;
  for (std::size_t s = 0; s + 1 < context.row_offsets.size(); ++s) {
    const std::size_t first = context.row_offsets[s], rows = context.row_offsets[s + 1] - first;
    const auto own_k = k.rows_from(first, rows), own_v = v.rows_from(first, rows);
    if (context.cache == nullptr) {
      sequences.push_back({first, rows, 0, own_k, own_v});
      continue;
    }
    const std::size_t past = context.cache->length(s);
    context.cache->write(layer, s, own_k, own_v);
    sequences.push_back(
        {first, rows, past, context.cache->keys(layer, s, past + rows), context.cache->values(layer, s, past + rows)});
  }
  return sequences;
}

// Where attn.hook_result is edited, attn_out is the sum of the heads, in the rows that an edit changed: the others keep
// the product's bits.
void fire_result(const BlockContext& context, std::size_t layer, MatrixView<const float> z, MatrixView<float> attn_out,
                 Hooks<float>& hooks) {
  const HookPoint point{Hook::result, layer};
  if (!hooks.captures(point) && !hooks.edits(point)) return;
  const HeadResults heads(context.checkpoint, context.config, layer);
  Tensor result = heads.of(z);
  if (!hooks.edits(point)) return hooks.fire(point, result.matrix());
  const Tensor unedited = result.copy();
  hooks.fire(point, result.matrix());
  for (std::size_t r = 0; r < z.rows; ++r) {
    const auto row = std::as_const(result).matrix().row_span(r);
    if (std::memcmp(row.data(), unedited.matrix().row(r), row.size_bytes()) != 0) heads.sum(row, attn_out.row(r));
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

void run_norm(MatrixView<const float> x, const ModelConfig& config, const NormWeights& weights, NormPoints points,
              Scratch& scratch, MatrixView<float> normed, Hooks<float>& hooks) {
  const auto normalized = scratch.normalized.matrix();
  norm_statistics(NormKind::layer, x, static_cast<float>(config.layer_norm_eps), normalized, scratch.scale.matrix());
  hooks.fire(points.scale, scratch.scale.matrix());
  if (hooks.edits(points.scale)) normalize_by(NormKind::layer, x, scratch.scale.matrix(), normalized);
  hooks.fire(points.normalized, normalized);
  scale_and_shift(normalized, weights.weight.data(), weights.bias.data(), normed);
}

void run_block(const BlockContext& context, const BlockWeights& weights, std::size_t layer, MatrixView<float> resid_pre,
               MatrixView<float> resid_post, Scratch& scratch, Hooks<float>& hooks) {
  const ModelConfig& config = context.config;
  const auto normed = scratch.normed.matrix();
  const auto q = scratch.qkv.matrix().cols_from(0, config.d_model);
  const auto k = scratch.qkv.matrix().cols_from(config.d_model, config.d_model);
  const auto v = scratch.qkv.matrix().cols_from(2 * config.d_model, config.d_model);
  const auto z = scratch.z.matrix(), attn_out = scratch.attn_out.matrix(), resid_mid = scratch.resid_mid.matrix();
  const auto mlp = scratch.mlp.matrix(), mlp_out = scratch.mlp_out.matrix();

  hooks.fire({Hook::resid_pre, layer}, resid_pre);
  run_norm(resid_pre, config, weights.ln1, {{Hook::ln1_scale, layer}, {Hook::ln1_normalized, layer}}, scratch, normed,
           hooks);

  weights.qkv.multiply(normed, scratch.qkv.matrix());
  hooks.fire({Hook::q, layer}, q);
  hooks.fire({Hook::k, layer}, k);
  hooks.fire({Hook::v, layer}, v);
  causal_attention(q, attended(context, layer, k, v), config.n_heads, static_cast<float>(config.attention_scale(layer)),
                   layer, hooks, z);
  hooks.fire({Hook::z, layer}, z);
  weights.attn_out.multiply(z, attn_out);
  fire_result(context, layer, z, attn_out, hooks);
  hooks.fire({Hook::attn_out, layer}, attn_out);
  add(resid_pre, attn_out, resid_mid);
  hooks.fire({Hook::resid_mid, layer}, resid_mid);

  run_norm(resid_mid, config, weights.ln2, {{Hook::ln2_scale, layer}, {Hook::ln2_normalized, layer}}, scratch, normed,
           hooks);

  weights.mlp_in.multiply(normed, mlp);
  hooks.fire({Hook::mlp_pre, layer}, mlp);
  activate(config.activation, mlp);
  hooks.fire({Hook::mlp_post, layer}, mlp);
  weights.mlp_out.multiply(mlp, mlp_out);
  hooks.fire({Hook::mlp_out, layer}, mlp_out);
  add(resid_mid, mlp_out, resid_post);
  hooks.fire({Hook::resid_post, layer}, resid_post);
}

}  // namespace stratoscope
