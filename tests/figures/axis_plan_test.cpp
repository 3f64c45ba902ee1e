#include "stratoscope/figures/axis_plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "stratoscope/figures/text.h"
#include "stratoscope/figures/theme.h"
#include "tests/figures/sample_figures.h"

namespace stratoscope {
namespace {

TEST(CategoryAxis, ShowsEveryLabelWhereThereIsRoom) {
  const AxisPlan axis = category_axis(sample::depths(13), 13, Side::x, 600);
  ASSERT_EQ(axis.ticks.size(), 13U);
  EXPECT_EQ(axis.ticks[0].label, "Emb");
  EXPECT_EQ(axis.ticks[12].label, "L11");
  EXPECT_EQ(axis.low, -0.5);
  EXPECT_EQ(axis.high, 12.5);
}

TEST(CategoryAxis, ThinsLabelsBeforeTheyTouch) {
  for (const std::size_t count : {2U, 13U, 49U, 300U, 1024U}) {
    for (const double pixels : {100.0, 234.0, 480.0}) {
      const AxisPlan axis = category_axis(sample::depths(count), count, Side::x, pixels);
      const double spacing = pixels / static_cast<double>(count);
      for (std::size_t i = 1; i < axis.ticks.size(); ++i) {
        const double apart = (axis.ticks[i].position - axis.ticks[i - 1].position) * spacing;
        const double needed =
            axis.rotated
                ? kTickSize
                : (text_width(axis.ticks[i].label, kTickSize) + text_width(axis.ticks[i - 1].label, kTickSize)) / 2;
        EXPECT_GE(apart, needed) << count << " labels on " << pixels;
      }
      EXPECT_EQ(axis.ticks.front().label, "Emb");
    }
  }
}

TEST(CategoryAxis, TurnsLongLabelsAndShortensVeryLongOnes) {
  const std::vector<std::string> tokens(20, "“ " + std::string(200, 'w') + "”");
  const AxisPlan axis = category_axis(tokens, 20, Side::x, 300);
  EXPECT_TRUE(axis.rotated);
  EXPECT_TRUE(axis.ticks[0].label.ends_with("…”"));
  EXPECT_LT(axis.label_extent, 120);
}

TEST(CategoryAxis, ThinsIndicesToRoundOnes) {
  const AxisPlan axis = category_axis({}, 512, Side::y, 480);
  EXPECT_EQ(axis.ticks[1].label, "20");
  EXPECT_EQ(axis.ticks[2].label, "40");
}

TEST(NumericAxis, CoversTheDataWithRoundTicks) {
  const AxisPlan axis = numeric_axis({"y"}, {-9.67, -10.2, NAN, -9.4}, false, 250, Side::y);
  EXPECT_LT(axis.low, -10.2);
  EXPECT_GT(axis.high, -9.4);
  ASSERT_GE(axis.ticks.size(), 3U);
  EXPECT_EQ(axis.ticks.front().label, "−10.2");
}

TEST(NumericAxis, BarsStandOnZero) {
  const AxisPlan axis = numeric_axis({"y"}, {3, 4}, true, 250, Side::y);
  EXPECT_EQ(axis.low, 0);
  EXPECT_GT(axis.high, 4);
}

TEST(NumericAxis, LogarithmicTicksArePowersOfTenInsideTheRange) {
  Axis axis{"variance"};
  axis.logarithmic = true;
  const AxisPlan plan = numeric_axis(axis, {0.014, 479, 0, -3}, true, 250, Side::y);
  EXPECT_GT(plan.low, 0);
  ASSERT_EQ(plan.ticks.size(), 5U);
  EXPECT_EQ(plan.ticks[0].label, "0.01");
  EXPECT_EQ(plan.ticks[4].label, "100");
}

TEST(NumericAxis, SurvivesEveryKindOfData) {
  const double huge = std::numeric_limits<double>::max(), tiny = std::numeric_limits<double>::denorm_min();
  for (const bool logarithmic : {false, true}) {
    for (const std::vector<double>& values : std::vector<std::vector<double>>{{},
                                                                              {0},
                                                                              {NAN, INFINITY},
                                                                              {5, 5},
                                                                              {-huge, huge},
                                                                              {tiny, tiny},
                                                                              {tiny, huge},
                                                                              {1e-300, 2e-300},
                                                                              {1e15, 1e15 + 1}}) {
      Axis axis;
      axis.logarithmic = logarithmic;
      const AxisPlan plan = numeric_axis(axis, values, false, 250, Side::y);
      EXPECT_TRUE(std::isfinite(plan.low) && std::isfinite(plan.high));
      EXPECT_LT(plan.low, plan.high);
      EXPECT_LT(plan.ticks.size(), 100U);
    }
  }
}

TEST(NumericAxis, KeepsAGivenRangeAndIgnoresAnImpossibleOne) {
  Axis axis{"y", {}, std::pair{0.5, 1.0}};
  EXPECT_EQ(numeric_axis(axis, {0, 9}, false, 250, Side::y).low, 0.5);
  axis.range = std::pair{NAN, 1.0};
  EXPECT_LT(numeric_axis(axis, {0, 9}, false, 250, Side::y).low, 0.01);
}

}  // namespace
}  // namespace stratoscope
