#include "stratoscope/model/hook_points.h"

#include <algorithm>
#include <charconv>

namespace stratoscope {
namespace {

using enum HookAxis;

const std::vector<HookInfo>& table() {
  using enum Reach;
  constexpr auto before = Scope::before_blocks, block = Scope::block, after = Scope::after_blocks;
  static const std::vector<HookInfo> hooks = {
      {Hook::embed_ln_scale, "embed.ln.hook_scale", before, {pos, one}, rows_from, Hook::embed_ln_scale},
      {Hook::embed_ln_normalized, "embed.ln.hook_normalized", before, {pos, d_model}, rows_from, Hook::embed_ln_scale},
      {Hook::embed, "hook_embed", before, {pos, d_model}, rows_from, Hook::embed_ln_scale},
      {Hook::pos_embed, "hook_pos_embed", before, {pos, d_model}, rows_from, Hook::embed_ln_scale},
      {Hook::resid_pre, "hook_resid_pre", block, {pos, d_model}, rows_from, Hook::resid_pre},
      {Hook::ln1_scale, "ln1.hook_scale", block, {pos, one}, rows_from, Hook::ln1_scale},
      {Hook::ln1_normalized, "ln1.hook_normalized", block, {pos, d_model}, rows_from, Hook::ln1_scale},
      {Hook::ln1_out, "ln1.hook_out", block, {pos, d_model}, rows_from, Hook::ln1_scale},
      {Hook::q, "attn.hook_q", block, {pos, head, d_head}, own_row, Hook::q},
      {Hook::k, "attn.hook_k", block, {pos, head, d_head}, rows_from, Hook::q},
      {Hook::v, "attn.hook_v", block, {pos, head, d_head}, rows_from, Hook::q},
      {Hook::q_norm_scale, "attn.q_norm.hook_scale", block, {pos, head, one}, own_row, Hook::q},
      {Hook::q_norm_normalized, "attn.q_norm.hook_normalized", block, {pos, head, d_head}, own_row, Hook::q},
      {Hook::k_norm_scale, "attn.k_norm.hook_scale", block, {pos, head, one}, rows_from, Hook::q},
      {Hook::k_norm_normalized, "attn.k_norm.hook_normalized", block, {pos, head, d_head}, rows_from, Hook::q},
      {Hook::rot_q, "attn.hook_rot_q", block, {pos, head, d_head}, own_row, Hook::q},
      {Hook::rot_k, "attn.hook_rot_k", block, {pos, head, d_head}, rows_from, Hook::q},
      {Hook::attn_scores, "attn.hook_attn_scores", block, {head, pos, key}, own_row, Hook::attn_scores},
      {Hook::pattern, "attn.hook_pattern", block, {head, pos, key}, own_row, Hook::attn_scores},
      {Hook::z, "attn.hook_z", block, {pos, head, d_head}, own_row, Hook::z},
      {Hook::result, "attn.hook_result", block, {pos, head, d_model}, own_row, Hook::z},
      {Hook::ln1_post_scale, "ln1_post.hook_scale", block, {pos, one}, own_row, Hook::ln1_post_scale},
      {Hook::ln1_post_normalized, "ln1_post.hook_normalized", block, {pos, d_model}, own_row, Hook::ln1_post_scale},
      {Hook::attn_out, "hook_attn_out", block, {pos, d_model}, own_row, Hook::attn_out},
      {Hook::resid_mid, "hook_resid_mid", block, {pos, d_model}, own_row, Hook::resid_mid},
      {Hook::ln2_scale, "ln2.hook_scale", block, {pos, one}, own_row, Hook::ln2_scale},
      {Hook::ln2_normalized, "ln2.hook_normalized", block, {pos, d_model}, own_row, Hook::ln2_scale},
      {Hook::ln2_out, "ln2.hook_out", block, {pos, d_model}, own_row, Hook::ln2_scale},
      {Hook::mlp_pre, "mlp.hook_pre", block, {pos, d_mlp}, own_row, Hook::mlp_pre},
      {Hook::mlp_pre_linear, "mlp.hook_pre_linear", block, {pos, d_mlp}, own_row, Hook::mlp_pre},
      {Hook::mlp_post, "mlp.hook_post", block, {pos, d_mlp}, own_row, Hook::mlp_post},
      {Hook::ln2_post_scale, "ln2_post.hook_scale", block, {pos, one}, own_row, Hook::ln2_post_scale},
      {Hook::ln2_post_normalized, "ln2_post.hook_normalized", block, {pos, d_model}, own_row, Hook::ln2_post_scale},
      {Hook::mlp_out, "hook_mlp_out", block, {pos, d_model}, own_row, Hook::mlp_out},
      {Hook::resid_post, "hook_resid_post", block, {pos, d_model}, own_row, Hook::resid_post},
      {Hook::ln_final_scale, "ln_final.hook_scale", after, {pos, one}, own_row, Hook::ln_final_scale},
      {Hook::ln_final_normalized, "ln_final.hook_normalized", after, {pos, d_model}, own_row, Hook::ln_final_scale},
      {Hook::unembed_in, "unembed.hook_in", after, {pos, d_model}, own_row, Hook::unembed_in},
      {Hook::unembed_out, "unembed.hook_out", after, {pos, d_vocab}, own_row, Hook::unembed_out},
  };
  return hooks;
}

bool is_of_query_norm(Hook hook) { return hook == Hook::q_norm_scale || hook == Hook::q_norm_normalized; }
bool is_of_key_norm(Hook hook) { return hook == Hook::k_norm_scale || hook == Hook::k_norm_normalized; }

bool is_wide(HookPoint point, const ModelConfig& config) {
  return (is_of_query_norm(point.hook) && config.blocks[point.layer].q_norm.wide) ||
         (is_of_key_norm(point.hook) && config.blocks[point.layer].k_norm.wide);
}

bool has_key_heads(Hook hook) {
  return hook == Hook::k || hook == Hook::v || hook == Hook::rot_k || is_of_key_norm(hook);
}

bool exists_before_blocks(Hook hook, const ModelConfig& config) {
  if (hook == Hook::embed) return true;
  return hook == Hook::pos_embed ? config.learned_positions : config.embed_norm.exists();
}

bool exists_in_block(Hook hook, const BlockSpec& block, const ModelConfig& config) {
  switch (hook) {
    case Hook::ln1_scale:
    case Hook::ln1_normalized:
    case Hook::ln1_out: return block.ln1.exists();
    case Hook::q_norm_scale:
    case Hook::q_norm_normalized: return block.q_norm.exists();
    case Hook::k_norm_scale:
    case Hook::k_norm_normalized: return block.k_norm.exists();
    case Hook::rot_q:
    case Hook::rot_k: return config.rotates();
    case Hook::ln1_post_scale:
    case Hook::ln1_post_normalized: return block.ln1_post.exists();
    case Hook::resid_mid: return !block.parallel;
    case Hook::ln2_scale:
    case Hook::ln2_normalized:
    case Hook::ln2_out: return block.ln2.exists() && !block.shared_norm;
    case Hook::mlp_pre_linear: return block.mlp.gated;
    case Hook::ln2_post_scale:
    case Hook::ln2_post_normalized: return block.ln2_post.exists();
    default: return true;
  }
}

std::size_t length_of(HookAxis axis, HookPoint point, const ModelConfig& config, std::size_t positions) {
  switch (axis) {
    case pos:
    case key: return positions;
    case d_model: return config.d_model;
    case d_vocab: return config.d_vocab;
    case one: return 1;
    default: break;
  }
  const BlockSpec& block = config.blocks[point.layer];
  const std::size_t heads = has_key_heads(point.hook) ? block.attention.kv_heads : block.attention.heads;
  switch (axis) {
    case head: return heads;
    case d_head: return block.attention.d_head;
    case d_heads: return heads * block.attention.d_head;
    default: return block.mlp.width;
  }
}

}  // namespace

std::string_view name_of(HookAxis axis) {
  switch (axis) {
    case pos: return "pos";
    case head: return "head";
    case key: return "key";
    case d_head: return "d_head";
    case d_heads: return "d_heads";
    case d_model: return "d_model";
    case d_mlp: return "d_mlp";
    case d_vocab: return "d_vocab";
    case one: return "one";
  }
  return "";
}

std::string_view name_of(Scope scope) {
  switch (scope) {
    case Scope::before_blocks: return "before_blocks";
    case Scope::block: return "block";
    case Scope::after_blocks: return "after_blocks";
  }
  return "";
}

bool HookInfo::has_axis(HookAxis axis) const { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

std::span<const HookInfo> hook_table() { return table(); }

const HookInfo& info_of(Hook hook) { return table()[static_cast<std::size_t>(hook)]; }

std::string name_of(HookPoint point) {
  const HookInfo& info = info_of(point.hook);
  const std::string name(info.name);
  return info.scope == Scope::block ? "blocks." + std::to_string(point.layer) + "." + name : name;
}

bool exists(HookPoint point, const ModelConfig& config) {
  const Scope scope = info_of(point.hook).scope;
  if (scope == Scope::before_blocks) return point.layer == 0 && exists_before_blocks(point.hook, config);
  if (scope == Scope::after_blocks)
    return point.layer == 0 && (info_of(point.hook).enters_at != Hook::ln_final_scale || config.ln_final.exists());
  return point.layer < config.n_layers() && exists_in_block(point.hook, config.blocks[point.layer], config);
}

std::string why_missing(HookPoint point, const ModelConfig& config) {
  const bool parallel = point.layer < config.n_layers() && config.blocks[point.layer].parallel;
  const bool shared = point.layer < config.n_layers() && config.blocks[point.layer].shared_norm;
  switch (point.hook) {
    case Hook::embed_ln_scale:
    case Hook::embed_ln_normalized: return "no norm follows its embedding";
    case Hook::pos_embed: return "it has no table of positions";
    case Hook::rot_q:
    case Hook::rot_k: return "it rotates no queries and keys";
    case Hook::q_norm_scale:
    case Hook::q_norm_normalized: return "it has no norm of queries";
    case Hook::k_norm_scale:
    case Hook::k_norm_normalized: return "it has no norm of keys";
    case Hook::resid_mid:
      return parallel ? "attention and MLP are parallel, so there is no stream between them" : "the block is not there";
    case Hook::ln1_scale:
    case Hook::ln1_normalized:
    case Hook::ln1_out: return "no norm stands before its attention";
    case Hook::ln2_scale:
    case Hook::ln2_normalized:
    case Hook::ln2_out: return shared ? "its MLP reads ln1 too" : "no norm stands before its MLP";
    case Hook::ln1_post_scale:
    case Hook::ln1_post_normalized: return "no norm stands after its attention";
    case Hook::ln2_post_scale:
    case Hook::ln2_post_normalized: return "no norm stands after its MLP";
    case Hook::mlp_pre_linear: return "its MLP has no gate";
    case Hook::ln_final_scale:
    case Hook::ln_final_normalized: return "it has no final norm";
    default: return "the block is not there";
  }
}

std::vector<Hook> hooks_of(const ModelConfig& config) {
  std::vector<Hook> hooks;
  for (const HookInfo& info : table()) {
    const std::size_t layers = info.scope == Scope::block ? config.n_layers() : 1;
    for (std::size_t layer = 0; layer < layers; ++layer)
      if (exists({info.hook, layer}, config)) {
        hooks.push_back(info.hook);
        break;
      }
  }
  return hooks;
}

std::vector<HookPoint> all_hook_points(const ModelConfig& config) {
  std::vector<HookPoint> points;
  const auto add = [&](Scope scope, std::size_t layer) {
    for (const HookInfo& info : table())
      if (info.scope == scope && exists({info.hook, layer}, config)) points.push_back({info.hook, layer});
  };
  add(Scope::before_blocks, 0);
  for (std::size_t layer = 0; layer < config.n_layers(); ++layer) add(Scope::block, layer);
  add(Scope::after_blocks, 0);
  return points;
}

std::optional<HookPoint> find_hook_point(std::string_view name, const ModelConfig& config) {
  for (const HookPoint point : all_hook_points(config))
    if (name_of(point) == name) return point;
  return std::nullopt;
}

std::optional<HookPoint> hook_point_of_any_model(std::string_view name) {
  HookPoint point;
  constexpr std::string_view kBlocks = "blocks.";
  const bool in_block = name.starts_with(kBlocks);
  if (in_block) {
    name.remove_prefix(kBlocks.size());
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), point.layer);
    if (error != std::errc() || end == name.data() + name.size() || *end != '.') return std::nullopt;
    name.remove_prefix(static_cast<std::size_t>(end - name.data()) + 1);
  }
  for (const HookInfo& info : table())
    if (info.name == name && (info.scope == Scope::block) == in_block) return HookPoint{info.hook, point.layer};
  return std::nullopt;
}

// A norm of all heads at once has no head axis.
std::vector<HookAxis> axes_of(HookPoint point, const ModelConfig& config) {
  const HookInfo& info = info_of(point.hook);
  if (!is_wide(point, config)) return info.axes;
  return {pos, info.axes.back() == one ? one : d_heads};
}

bool has_axis(HookPoint point, HookAxis axis, const ModelConfig& config) {
  return info_of(point.hook).has_axis(axis) && !(axis == head && is_wide(point, config));
}

std::size_t heads_of(HookPoint point, const ModelConfig& config) {
  return has_axis(point, head, config) ? length_of(head, point, config, 0) : 1;
}

Shape shape_of(HookPoint point, const ModelConfig& config, std::size_t positions) {
  Shape shape;
  for (const HookAxis axis : axes_of(point, config)) shape.push_back(length_of(axis, point, config, positions));
  return shape;
}

}  // namespace stratoscope
