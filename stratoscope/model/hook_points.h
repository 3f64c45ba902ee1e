// The hooks, which are the named values of the forward pass in the order in which they are computed, and the hook
// points of a model, which are the hooks of each of its blocks.
//
// One table has name, scope, axes and reach; no code derives an axis from a name. Names are those of TransformerLens.
#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/families/model_config.h"
#include "stratoscope/tensor/shape.h"

namespace STRATOSCOPE_API stratoscope {

enum class Hook {
  embed_ln_scale,
  embed_ln_normalized,
  embed,
  pos_embed,
  resid_pre,
  ln1_scale,
  ln1_normalized,
  ln1_out,
  q,
  k,
  v,
  q_norm_scale,
  q_norm_normalized,
  k_norm_scale,
  k_norm_normalized,
  rot_q,
  rot_k,
  attn_scores,
  pattern,
  z,
  result,
  ln1_post_scale,
  ln1_post_normalized,
  attn_out,
  resid_mid,
  ln2_scale,
  ln2_normalized,
  ln2_out,
  mlp_pre,
  mlp_pre_linear,
  mlp_post,
  ln2_post_scale,
  ln2_post_normalized,
  mlp_out,
  resid_post,
  ln_final_scale,
  ln_final_normalized,
  unembed_in,
  unembed_out,
};

constexpr std::size_t kHooks = static_cast<std::size_t>(Hook::unembed_out) + 1;

// The meaning of one axis of a hook point. d_heads: the numbers of all heads side by side.
enum class HookAxis { pos, head, key, d_head, d_heads, d_model, d_mlp, d_vocab, one };
std::string_view name_of(HookAxis axis);  // "d_head"

enum class Scope { before_blocks, block, after_blocks };
std::string_view name_of(Scope scope);  // "before_blocks"

// The rows that an edit at position p can change. In later blocks every edit reaches the rows from p on.
enum class Reach {
  rows_from,  // rows from p on, beginning with this block's attention
  own_row,    // only row p within the block
};

struct HookInfo {
  Hook hook;
  std::string_view name;  // without the prefix "blocks.i." of hooks in a block
  Scope scope;
  std::vector<HookAxis> axes;  // of most models; axes_of has those of one
  Reach reach;
  // The first hook at which an edited row differs from the unedited one; earlier values of the block are the same.
  Hook enters_at;

  bool has_axis(HookAxis axis) const;
};

// All hooks of all families in firing order, indexed by Hook.
std::span<const HookInfo> hook_table();
const HookInfo& info_of(Hook hook);

// One value of a run: the hook, and the block (0 outside the blocks).
struct HookPoint {
  Hook hook = Hook::embed;
  std::size_t layer = 0;
  auto operator<=>(const HookPoint&) const = default;
};

// "blocks.3.hook_resid_post"
std::string name_of(HookPoint point);
// Whether the model has it: a hook in one of its blocks may be missing in another.
bool exists(HookPoint point, const ModelConfig& config);
// The reason why the model does not have it, as in "its attention and MLP share ln1"; for a point that does not exist.
std::string why_missing(HookPoint point, const ModelConfig& config);
// The hook and block of a name, whether or not the model has them; empty for a name that is not a hook point.
std::optional<HookPoint> hook_point_of_any_model(std::string_view name);
// The hooks that a model has in at least one block or outside the blocks, in firing order.
std::vector<Hook> hooks_of(const ModelConfig& config);
// Every hook point of a model, in firing order.
std::vector<HookPoint> all_hook_points(const ModelConfig& config);
std::optional<HookPoint> find_hook_point(std::string_view name, const ModelConfig& config);
std::vector<HookAxis> axes_of(HookPoint point, const ModelConfig& config);
bool has_axis(HookPoint point, HookAxis axis, const ModelConfig& config);
// The length of its head axis: heads of queries, or of keys and values. 1 without such an axis.
std::size_t heads_of(HookPoint point, const ModelConfig& config);
// For a text of `positions` tokens.
Shape shape_of(HookPoint point, const ModelConfig& config, std::size_t positions);

}  // namespace stratoscope
