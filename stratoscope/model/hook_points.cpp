#include "stratoscope/model/hook_points.h"

#include <algorithm>

namespace stratoscope {
namespace {

using enum HookAxis;

const std::vector<HookInfo>& table() {
  static const std::vector<HookInfo> points = {
      {Hook::embed, "hook_embed", Scope::before_blocks, {pos, d_model}, Reach::rows_from},
      {Hook::pos_embed, "hook_pos_embed", Scope::before_blocks, {pos, d_model}, Reach::rows_from},
      {Hook::resid_pre, "hook_resid_pre", Scope::block, {pos, d_model}, Reach::rows_from},
      {Hook::ln1_scale, "ln1.hook_scale", Scope::block, {pos, one}, Reach::rows_from},
      {Hook::ln1_normalized, "ln1.hook_normalized", Scope::block, {pos, d_model}, Reach::rows_from},
      {Hook::q, "attn.hook_q", Scope::block, {pos, head, d_head}, Reach::own_row},
      {Hook::k, "attn.hook_k", Scope::block, {pos, head, d_head}, Reach::rows_from},
      {Hook::v, "attn.hook_v", Scope::block, {pos, head, d_head}, Reach::rows_from},
      {Hook::attn_scores, "attn.hook_attn_scores", Scope::block, {head, pos, key}, Reach::own_row},
      {Hook::pattern, "attn.hook_pattern", Scope::block, {head, pos, key}, Reach::own_row},
      {Hook::z, "attn.hook_z", Scope::block, {pos, head, d_head}, Reach::own_row},
      {Hook::result, "attn.hook_result", Scope::block, {pos, head, d_model}, Reach::own_row},
      {Hook::attn_out, "hook_attn_out", Scope::block, {pos, d_model}, Reach::own_row},
      {Hook::resid_mid, "hook_resid_mid", Scope::block, {pos, d_model}, Reach::own_row},
      {Hook::ln2_scale, "ln2.hook_scale", Scope::block, {pos, one}, Reach::own_row},
      {Hook::ln2_normalized, "ln2.hook_normalized", Scope::block, {pos, d_model}, Reach::own_row},
      {Hook::mlp_pre, "mlp.hook_pre", Scope::block, {pos, d_mlp}, Reach::own_row},
      {Hook::mlp_post, "mlp.hook_post", Scope::block, {pos, d_mlp}, Reach::own_row},
      {Hook::mlp_out, "hook_mlp_out", Scope::block, {pos, d_model}, Reach::own_row},
      {Hook::resid_post, "hook_resid_post", Scope::block, {pos, d_model}, Reach::own_row},
      {Hook::ln_final_scale, "ln_final.hook_scale", Scope::after_blocks, {pos, one}, Reach::own_row},
      {Hook::ln_final_normalized, "ln_final.hook_normalized", Scope::after_blocks, {pos, d_model}, Reach::own_row},
      {Hook::unembed_in, "unembed.hook_in", Scope::after_blocks, {pos, d_model}, Reach::own_row},
      {Hook::unembed_out, "unembed.hook_out", Scope::after_blocks, {pos, d_vocab}, Reach::own_row},
  };
  return points;
}

std::size_t length_of(HookAxis axis, const ModelConfig& config, std::size_t positions) {
  switch (axis) {
    case pos:
    case key: return positions;
    case head: return config.n_heads();
    case d_head: return config.d_head();
    case d_model: return config.d_model;
    case d_mlp: return config.d_mlp();
    case d_vocab: return config.d_vocab;
    default: return 1;
  }
}

}  // namespace

std::string_view name_of(HookAxis axis) {
  switch (axis) {
    case pos: return "pos";
    case head: return "head";
    case key: return "key";
    case d_head: return "d_head";
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

std::vector<HookPoint> all_hook_points(const ModelConfig& config) {
  std::vector<HookPoint> points;
  const auto add = [&](Scope scope, std::size_t layer) {
    for (const HookInfo& info : table())
      if (info.scope == scope) points.push_back({info.hook, layer});
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

Shape shape_of(HookPoint point, const ModelConfig& config, std::size_t positions) {
  Shape shape;
  for (const HookAxis axis : info_of(point.hook).axes) shape.push_back(length_of(axis, config, positions));
  return shape;
}

}  // namespace stratoscope
