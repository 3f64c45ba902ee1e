// The hook-point table, pinned: order, axes and reach are part of the contract.
#include "stratoscope/model/hook_points.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "stratoscope/base/mapped_file.h"
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
      "before_blocks embed.ln.hook_scale [pos one] rows from",
      "before_blocks embed.ln.hook_normalized [pos d_model] rows from",
      "before_blocks hook_embed [pos d_model] rows from",
      "before_blocks hook_pos_embed [pos d_model] rows from",
      "block hook_resid_pre [pos d_model] rows from",
      "block ln1.hook_scale [pos one] rows from",
      "block ln1.hook_normalized [pos d_model] rows from",
      "block ln1.hook_out [pos d_model] rows from",
      "block attn.hook_q [pos head d_head] own row",
      "block attn.hook_k [pos head d_head] rows from",
      "block attn.hook_v [pos head d_head] rows from",
      "block attn.q_norm.hook_scale [pos head one] own row",
      "block attn.q_norm.hook_normalized [pos head d_head] own row",
      "block attn.k_norm.hook_scale [pos head one] rows from",
      "block attn.k_norm.hook_normalized [pos head d_head] rows from",
      "block attn.hook_rot_q [pos head d_head] own row",
      "block attn.hook_rot_k [pos head d_head] rows from",
      "block attn.hook_attn_scores [head pos key] own row",
      "block attn.hook_pattern [head pos key] own row",
      "block attn.hook_z [pos head d_head] own row",
      "block attn.hook_result [pos head d_model] own row",
      "block ln1_post.hook_scale [pos one] own row",
      "block ln1_post.hook_normalized [pos d_model] own row",
      "block hook_attn_out [pos d_model] own row",
      "block hook_resid_mid [pos d_model] own row",
      "block ln2.hook_scale [pos one] own row",
      "block ln2.hook_normalized [pos d_model] own row",
      "block ln2.hook_out [pos d_model] own row",
      "block mlp.hook_pre [pos d_mlp] own row",
      "block mlp.hook_pre_linear [pos d_mlp] own row",
      "block mlp.hook_post [pos d_mlp] own row",
      "block ln2_post.hook_scale [pos one] own row",
      "block ln2_post.hook_normalized [pos d_model] own row",
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

// The table's order is the order in which the screen of block.h names the hooks.
TEST(HookPoints, TheTableHasTheOrderOfTheScreen) {
  const std::string screen =
      read_text_file(std::filesystem::path(STRATOSCOPE_SOURCE_DIR) / "stratoscope/model/pass/block.h");
  std::vector<std::string> named;
  for (std::size_t at = screen.find("Hook::"); at != std::string::npos; at = screen.find("Hook::", at + 1)) {
    const std::size_t begin = at + 6, end = screen.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789", begin);
    named.push_back(screen.substr(begin, end - begin));
  }
  const std::string header =
      read_text_file(std::filesystem::path(STRATOSCOPE_SOURCE_DIR) / "stratoscope/model/hook_points.h");
  const std::size_t begin = header.find("enum class Hook {"), end = header.find('}', begin);
  std::vector<std::string> listed;
  for (std::size_t line = header.find('\n', begin); line < end; line = header.find('\n', line + 1)) {
    const std::size_t first = header.find_first_not_of(" \n", line);
    if (first < end) listed.push_back(header.substr(first, header.find(',', first) - first));
  }
  EXPECT_EQ(named, listed);
}

// Nowhere else does a source name so many hooks in the order of the pass that it might be a second forward pass.
TEST(HookPoints, TheOrderOfABlockIsWrittenInOnePlace) {
  const std::filesystem::path source = std::filesystem::path(STRATOSCOPE_SOURCE_DIR) / "stratoscope";
  const std::vector<std::string> steps = {"Hook::resid_pre", "Hook::z",        "Hook::attn_out",
                                          "Hook::resid_mid", "Hook::mlp_post", "Hook::mlp_out"};
  std::vector<std::string> places;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source)) {
    if (!entry.is_regular_file()) continue;
    const std::string text = read_text_file(entry.path());
    // A pass fires hooks; a table only lists them.
    std::size_t fired = 0;
    for (const std::string& step : steps)
      for (const char* call : {"fire(", "fire({"}) fired += text.find(call + step) != std::string::npos ? 1 : 0;
    if (fired > 1) places.push_back(std::filesystem::relative(entry.path(), source).string());
  }
  EXPECT_EQ(places, std::vector<std::string>{"model/pass/block.h"});
}

ModelConfig small_config() { return test::described({2, 3, 12, 20, 8, 50}); }

TEST(HookPoints, HookPointsComeBlockByBlockAndAreFoundByTheirNames) {
  const auto points = all_hook_points(small_config());
  ASSERT_EQ(points.size(), 2U + 2 * 20 + 4);
  EXPECT_EQ(name_of(points[1]), "hook_pos_embed");
  EXPECT_EQ(name_of(points[2]), "blocks.0.hook_resid_pre");
  EXPECT_EQ(name_of(points[22]), "blocks.1.hook_resid_pre");
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
