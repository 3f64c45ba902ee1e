// Rows of numbers by token against whole runs and the experiments that they come from.
#include "stratoscope/experiments/heatmap.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stratoscope/base/error.h"
#include "stratoscope/experiments/attribution.h"
#include "stratoscope/figures/layout.h"
#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::built_in;
using test::refuses;
using WholeRun = Run<float>;  // inside a test `Run` is GoogleTest's

HeatmapRequest by(const std::vector<TokenRow>& rows, const std::vector<EditExpression>& edits = {}) {
  HeatmapRequest request;
  request.text = test::kPenguins;
  request.rows = rows;
  request.edits.expressions = edits;
  return request;
}

// One capture serves several rows, of different heads, positions and dimensions.
TEST(Heatmap, RowsOfOneHookPointAreThoseOfAWholeRun) {
  const HeatmapRequest request =
      by({"L5H3[from 4]", "L5H1[from -1]", "L2H1.v.dim[3,7]", "L2H2.v.dim[0]", "L5H2.z.dim[1]"},
         {"blocks.1.hook_resid_post *= 0.5"});
  const TextHeatmap result = heatmap(built_in(), request);
  RunRequest pass;
  pass.captures = captures_of(std::vector<HookPoint>{{Hook::pattern, 5}, {Hook::v, 2}, {Hook::z, 5}});
  const EditedRun edited = run_text(built_in(), result.text, request.edits, pass);
  const auto& whole = std::get<WholeRun>(edited.run);
  const auto& patterns = whole.value({Hook::pattern, 5});
  ASSERT_EQ(result.rows.size(), 6U);
  EXPECT_TRUE(result.effect);
  const std::size_t count = result.text.ids.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i <= 4)
      EXPECT_EQ(static_cast<float>(result.rows[0].values[i]), patterns.slice(3).row(4)[i]);
    else
      EXPECT_TRUE(std::isnan(result.rows[0].values[i]));
    EXPECT_EQ(static_cast<float>(result.rows[1].values[i]), patterns.slice(1).row(count - 1)[i]);
    const auto at = [&](Hook hook, std::size_t layer, std::size_t head, std::size_t dim) {
      const auto& value = whole.value({hook, layer});
      const Shape& shape = value.shape();
      return value.values()[(i * shape[1] + head) * shape[2] + dim];
    };
    EXPECT_EQ(static_cast<float>(result.rows[2].values[i]), at(Hook::v, 2, 1, 3));
    EXPECT_EQ(static_cast<float>(result.rows[3].values[i]), at(Hook::v, 2, 1, 7));
    EXPECT_EQ(static_cast<float>(result.rows[4].values[i]), at(Hook::v, 2, 2, 0));
    EXPECT_EQ(static_cast<float>(result.rows[5].values[i]), at(Hook::z, 5, 2, 1));
  }
}

TEST(Heatmap, AttributionsOfAComparisonAreOfOneTarget) {
  HeatmapRequest request = by({"attribution"}, {"blocks.0.hook_mlp_out = zero"});
  request.compare = true;
  const TextHeatmap result = heatmap(built_in(), request);
  ASSERT_EQ(result.targets.size(), 1U);
  AttributionRequest clean;
  clean.text = test::kPenguins;
  clean.targets = {{{}, result.targets[0].id}};
  const Attribution attributed = attribution(built_in(), clean);
  for (std::size_t i = 0; i < result.text.ids.size(); ++i) {
    double sum = 0;
    for (const auto& block : attributed.by_source) sum += block[i];
    EXPECT_NEAR(result.rows[0].clean[i], sum, 1e-12);
  }
  EXPECT_NE(result.rows[0].clean, result.rows[0].values);
}

TEST(Heatmap, TheFigureHasAPanelPerRowAndSignedOnesDiverge) {
  const Figure figure = figure_of(heatmap(built_in(), by({"surprisal", "resid_post.3.dim[0]"})));
  ASSERT_EQ(figure.panels.size(), 2U);
  const ColoredText *amounts = colored_text_of(figure.panels[0]), *numbers = colored_text_of(figure.panels[1]);
  EXPECT_EQ(amounts->scale.map, ColorMap::rising);
  EXPECT_EQ(amounts->scale.low, 0);
  EXPECT_EQ(numbers->scale.map, ColorMap::diverging);
  EXPECT_EQ(numbers->scale.low, -numbers->scale.high);
  EXPECT_TRUE(std::isnan(amounts->values[0]));
}

TEST(Heatmap, OptionsWithoutTheirRowAreUsageErrors) {
  HeatmapRequest request = by({"entropy"});
  request.position = 3;
  EXPECT_THROW(check(request), UsageError);
  request.position.reset();
  request.targets = {{" a", {}}};
  EXPECT_THROW(check(request), UsageError);
  EXPECT_THROW(check(by({})), UsageError);
  EXPECT_TRUE(refuses([] { heatmap(built_in(), by({"blocks.0.hook_resid_mid"})); }, "name one"));
}

}  // namespace
}  // namespace stratoscope
