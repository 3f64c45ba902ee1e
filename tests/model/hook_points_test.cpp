// The hook-point table, pinned: order, axes and reach are part of the contract.
#include "stratoscope/model/hook_points.h"

#include <gtest/gtest.h>

#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

std::string axes_of(const HookInfo& info) {
  std::string text;
  for (const HookAxis axis : info.axes) text += (text.empty() ? "" : " ") + std::string(name_of(axis));
  return text;
}

std::string line_of(const HookInfo& info) {
  return std::string(name_of(info.scope)) + " " + std::string(info.name) + " [" + axes_of(info) + "] " +
         (info.reach == Reach::rows_from ? "rows from" : "own row");
}

TEST(HookPoints, TheTableIsPinned) {
  const std::vector<std::string> expected = {
      "before_blocks hook_embed [pos d_model] rows from",
      "before_blocks hook_pos_embed [pos d_model] rows from",
      "block hook_resid_pre [pos d_model] rows from",
      "block ln1.hook_scale [pos one] rows from",
      "block ln1.hook_normalized [pos d_model] rows from",
      "block attn.hook_q [pos head d_head] own row",
      "block attn.hook_k [pos head d_head] rows from",
      "block attn.hook_v [pos head d_head] rows from",
      "block attn.hook_attn_scores [head pos key] own row",
      "block attn.hook_pattern [head pos key] own row",
      "block attn.hook_z [pos head d_head] own row",
      "block attn.hook_result [pos head d_model] own row",
      "block hook_attn_out [pos d_model] own row",
      "block hook_resid_mid [pos d_model] own row",
      "block ln2.hook_scale [pos one] own row",
      "block ln2.hook_normalized [pos d_model] own row",
      "block mlp.hook_pre [pos d_mlp] own row",
      "block mlp.hook_post [pos d_mlp] own row",
      "block hook_mlp_out [pos d_model] own row",
      "block hook_resid_post [pos d_model] own row",
      "after_blocks ln_final.hook_scale [pos one] own row",
      "after_blocks ln_final.hook_normalized [pos d_model] own row",
      "after_blocks unembed.hook_in [pos d_model] own row",
      "after_blocks unembed.hook_out [pos d_vocab] own row",
  };
  std::vector<std::string> lines;
  for (const HookInfo& info : hook_table()) {
    lines.push_back(line_of(info));
    EXPECT_EQ(&info_of(info.hook), &info);
  }
  EXPECT_EQ(lines, expected);
}

ModelConfig small_config() { return test::described({2, 3, 12, 20, 8, 50}); }

TEST(HookPoints, HookPointsComeBlockByBlockAndAreFoundByTheirNames) {
  const auto points = all_hook_points(small_config());
  ASSERT_EQ(points.size(), 2U + 2 * 18 + 4);
  EXPECT_EQ(name_of(points[1]), "hook_pos_embed");
  EXPECT_EQ(name_of(points[2]), "blocks.0.hook_resid_pre");
  EXPECT_EQ(name_of(points[20]), "blocks.1.hook_resid_pre");
  EXPECT_EQ(name_of(points.back()), "unembed.hook_out");
  for (const HookPoint point : points) EXPECT_EQ(find_hook_point(name_of(point), small_config()), point);
  EXPECT_FALSE(find_hook_point("blocks.2.hook_resid_pre", small_config()));
  EXPECT_FALSE(find_hook_point("hook_resid_pre", small_config()));
}

TEST(HookPoints, ShapesFollowTheAxes) {
  const auto shape = [](Hook hook) { return shape_of({hook, 0}, small_config(), 7); };
  EXPECT_EQ(shape(Hook::q), (Shape{7, 3, 4}));
  EXPECT_EQ(shape(Hook::pattern), (Shape{3, 7, 7}));
  EXPECT_EQ(shape(Hook::result), (Shape{7, 3, 12}));
  EXPECT_EQ(shape(Hook::ln1_scale), (Shape{7, 1}));
  EXPECT_EQ(shape(Hook::mlp_post), (Shape{7, 20}));
  EXPECT_EQ(shape(Hook::unembed_out), (Shape{7, 50}));
}

}  // namespace
}  // namespace stratoscope
