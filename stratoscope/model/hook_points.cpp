#include "stratoscope/model/hook_points.h"

#include <algorithm>

namespace stratoscope {
namespace {

using enum HookAxis;

const std::vector<HookPoint>& table() {
  static const std::vector<HookPoint> points = {
      {Point::embed, "hook_embed", Scope::before_blocks, {pos, d_model}, Reach::rows_from},
      {Point::pos_embed, "hook_pos_embed", Scope::before_blocks, {pos, d_model}, Reach::rows_from},
      {Point::resid_pre, "hook_resid_pre", Scope::block, {pos, d_model}, Reach::rows_from},
      {Point::ln1_scale, "ln1.hook_scale", Scope::block, {pos, one}, Reach::rows_from},
      {Point::ln1_normalized, "ln1.hook_normalized", Scope::block, {pos, d_model}, Reach::rows_from},
      {Point::q, "attn.hook_q", Scope::block, {pos, head, d_head}, Reach::own_row},
      {Point::k, "attn.hook_k", Scope::block, {pos, head, d_head}, Reach::rows_from},
      {Point::v, "attn.hook_v", Scope::block, {pos, head, d_head}, Reach::rows_from},
      {Point::attn_scores, "attn.hook_attn_scores", Scope::block, {head, pos, key}, Reach::own_row},
      {Point::pattern, "attn.hook_pattern", Scope::block, {head, pos, key}, Reach::own_row},
      {Point::z, "attn.hook_z", Scope::block, {pos, head, d_head}, Reach::own_row},
      {Point::result, "attn.hook_result", Scope::block, {pos, head, d_model}, Reach::own_row},
      {Point::attn_out, "hook_attn_out", Scope::block, {pos, d_model}, Reach::own_row},
      {Point::resid_mid, "hook_resid_mid", Scope::block, {pos, d_model}, Reach::own_row},
      {Point::ln2_scale, "ln2.hook_scale", Scope::block, {pos, one}, Reach::own_row},
      {Point::ln2_normalized, "ln2.hook_normalized", Scope::block, {pos, d_model}, Reach::own_row},
      {Point::mlp_pre, "mlp.hook_pre", Scope::block, {pos, d_mlp}, Reach::own_row},
      {Point::mlp_post, "mlp.hook_post", Scope::block, {pos, d_mlp}, Reach::own_row},
      {Point::mlp_out, "hook_mlp_out", Scope::block, {pos, d_model}, Reach::own_row},
      {Point::resid_post, "hook_resid_post", Scope::block, {pos, d_model}, Reach::own_row},
      {Point::ln_final_scale, "ln_final.hook_scale", Scope::after_blocks, {pos, one}, Reach::own_row},
      {Point::ln_final_normalized, "ln_final.hook_normalized", Scope::after_blocks, {pos, d_model}, Reach::own_row},
      {Point::unembed_in, "unembed.hook_in", Scope::after_blocks, {pos, d_model}, Reach::own_row},
      {Point::unembed_out, "unembed.hook_out", Scope::after_blocks, {pos, d_vocab}, Reach::own_row},
  };
  return points;
}

std::size_t length_of(HookAxis axis, const ModelConfig& config, std::size_t positions) {
  switch (axis) {
    case pos:
    case key: return positions;
    case head: return config.n_heads;
    case d_head: return config.d_head;
    case d_model: return config.d_model;
    case d_mlp: return config.d_mlp;
    case d_vocab: return config.d_vocab;
    default: return 1;
  }
}

}  // namespace

bool HookPoint::has_axis(HookAxis axis) const { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

std::span<const HookPoint> hook_points() { return table(); }

const HookPoint& hook_point(Point point) { return table()[static_cast<std::size_t>(point)]; }

std::string name_of(Site site) {
  const HookPoint& info = hook_point(site.point);
  const std::string name(info.name);
  return info.scope == Scope::block ? "blocks." + std::to_string(site.layer) + "." + name : name;
}

std::vector<Site> all_sites(const ModelConfig& config) {
  std::vector<Site> sites;
  const auto add = [&](Scope scope, std::size_t layer) {
    for (const HookPoint& info : table())
      if (info.scope == scope) sites.push_back({info.point, layer});
  };
  add(Scope::before_blocks, 0);
  for (std::size_t layer = 0; layer < config.n_layers; ++layer) add(Scope::block, layer);
  add(Scope::after_blocks, 0);
  return sites;
}

std::optional<Site> find_site(std::string_view name, const ModelConfig& config) {
  for (const Site site : all_sites(config))
    if (name_of(site) == name) return site;
  return std::nullopt;
}

Shape shape_of(Site site, const ModelConfig& config, std::size_t positions) {
  Shape shape;
  for (const HookAxis axis : hook_point(site.point).axes) shape.push_back(length_of(axis, config, positions));
  return shape;
}

}  // namespace stratoscope
