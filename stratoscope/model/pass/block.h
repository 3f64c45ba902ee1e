// The forward pass of every family, step by step: the one place that defines the order of a model's computation.
//
// A pass executes the steps: EnginePass (float32, fused kernels), ReferencePass (float64, plain) and ConePass (float32,
// only the rows that edits can change). `fire` applies edits and copies captures. Each step returns a value for the
// next; a norm or rotation that a model does not have returns its input.
#pragma once

#include "stratoscope/families/model_config.h"
#include "stratoscope/families/tensor_roles.h"
#include "stratoscope/model/hook_points.h"

namespace stratoscope {

// The sum of the residual stream that a step computes.
enum class Sum { middle, leaving };

template <class Pass>
void run_embedding(Pass& pass, const ModelConfig& config) {
  const auto token =
      pass.norm(Role::embed_norm, config.embed_norm, pass.embed(), Hook::embed_ln_scale, Hook::embed_ln_normalized);
  auto resid = pass.fire(Hook::embed, token);
  if (config.learned_positions)
    resid = pass.add(Sum::leaving, resid, pass.fire(Hook::pos_embed, pass.embed_positions()));
  pass.leave(resid);
}

template <class Pass>
void run_block(Pass& pass, const BlockSpec& spec) {
  const auto resid = pass.fire(Hook::resid_pre, pass.entering());
  const auto x = pass.norm(Role::ln1, spec.ln1, resid, Hook::ln1_scale, Hook::ln1_normalized, Hook::ln1_out);

  auto [q, k, v] = pass.project_qkv(x);
  q = pass.fire(Hook::q, q);
  k = pass.fire(Hook::k, k);
  v = pass.fire(Hook::v, v);
  q = pass.norm(Role::q_norm, spec.q_norm, q, Hook::q_norm_scale, Hook::q_norm_normalized);
  k = pass.norm(Role::k_norm, spec.k_norm, k, Hook::k_norm_scale, Hook::k_norm_normalized);
  q = pass.rotate(q, Hook::rot_q);
  k = pass.rotate(k, Hook::rot_k);
  const auto mixed = pass.attend(q, k, v, Hook::attn_scores, Hook::pattern);
  const auto z = pass.fire(Hook::z, mixed);
  const auto heads = pass.project_heads(z, Hook::result);
  const auto heads_normed =
      pass.norm(Role::ln1_post, spec.ln1_post, heads, Hook::ln1_post_scale, Hook::ln1_post_normalized);
  const auto attn_out = pass.fire(Hook::attn_out, pass.scale_branch(heads_normed));

  const auto mid = pass.add(Sum::middle, resid, attn_out);
  const auto read = spec.parallel ? resid : pass.fire(Hook::resid_mid, mid);
  const auto y =
      spec.shared_norm ? x : pass.norm(Role::ln2, spec.ln2, read, Hook::ln2_scale, Hook::ln2_normalized, Hook::ln2_out);
  auto [pre, linear] = pass.project_mlp(y);
  pre = pass.fire(Hook::mlp_pre, pre);
  if (spec.mlp.gated) linear = pass.fire(Hook::mlp_pre_linear, linear);
  const auto post = pass.fire(Hook::mlp_post, pass.activate(pre, linear));
  const auto down = pass.project_down(post);
  const auto down_normed =
      pass.norm(Role::ln2_post, spec.ln2_post, down, Hook::ln2_post_scale, Hook::ln2_post_normalized);
  const auto mlp_out = pass.fire(Hook::mlp_out, pass.scale_branch(down_normed));
  pass.leave(pass.fire(Hook::resid_post, pass.add(Sum::leaving, mid, mlp_out)));
}

// Logits are scaled and capped after their hook point.
template <class Pass>
void run_unembedding(Pass& pass, const ModelConfig& config) {
  const auto x =
      pass.norm(Role::ln_final, config.ln_final, pass.entering(), Hook::ln_final_scale, Hook::ln_final_normalized);
  const auto logits = pass.unembed(pass.fire(Hook::unembed_in, x));
  pass.leave_logits(pass.fire(Hook::unembed_out, logits));
}

}  // namespace stratoscope
