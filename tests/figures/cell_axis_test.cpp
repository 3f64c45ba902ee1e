// Heat maps with numbers along an axis, in every form.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "stratoscope/figures/csv.h"
#include "stratoscope/figures/html.h"
#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/vega_lite.h"

namespace stratoscope {
namespace {

// Four rows from -2 (below) to 2, two columns from 10 to 30.
Figure with_numbers() {
  Panel panel;
  panel.y = {"value", {}, std::pair(-2.0, 2.0), false};
  panel.x = {"time", {}, std::pair(10.0, 30.0), false};
  panel.marks = {Heatmap{{{1, 2}, {3, 4}, {5, 6}, {7, 8}}}};
  return {"Numbers", "", "", {panel}, 1, ColorScale{ColorMap::viridis, "count", 0, 8}};
}

TEST(CellAxis, PutsRoundNumbersWhereTheyBelong) {
  const PanelPlan plan = lay_out(with_numbers()).panels[0];
  const std::vector<std::string> expected = {"−2.0", "−1.5", "−1.0", "−0.5", "0.0", "0.5", "1.0", "1.5", "2.0"};
  ASSERT_EQ(plan.y.ticks.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(plan.y.ticks[i].label, expected[i]);
    EXPECT_NEAR(plan.y_of(plan.y.ticks[i].position), plan.plot.bottom() - static_cast<double>(i) / 8 * plan.plot.height,
                1e-9);
  }
  EXPECT_NEAR(plan.x_of(plan.x.ticks.front().position), plan.plot.left, 1e-9);
  EXPECT_NEAR(plan.x_of(plan.x.ticks.back().position), plan.plot.right(), 1e-9);
}

TEST(CellAxis, KnowsTheMiddleOfEveryCell) {
  const Panel panel = with_numbers().panels[0];
  EXPECT_EQ(cell_middle(panel.y, 4, 0, Side::y), 1.5) << "the top row";
  EXPECT_EQ(cell_middle(panel.y, 4, 3, Side::y), -1.5);
  EXPECT_EQ(cell_middle(panel.x, 2, 0, Side::x), 15);
  EXPECT_FALSE(has_number_cells(Axis{"", {"a"}, std::pair(0.0, 1.0), false})) << "labels have priority";
  EXPECT_FALSE(has_number_cells(Axis{}));
}

TEST(CellAxis, MayRunDownwards) {
  Figure figure = with_numbers();
  figure.panels[0].y.range = std::pair(3.5, -0.5);
  const PanelPlan plan = lay_out(figure).panels[0];
  ASSERT_GT(plan.y.ticks.size(), 2U);
  EXPECT_EQ(plan.y.ticks[1].label, "0.0");
  EXPECT_NEAR(plan.y_of(plan.y.ticks[1].position), plan.plot.top + plan.plot.height / 8, 1e-9) << "the first row";
  EXPECT_EQ(cell_middle(figure.panels[0].y, 4, 0, Side::y), 0);
  EXPECT_EQ(cell_middle(figure.panels[0].y, 4, 3, Side::y), 3);
}

TEST(CellAxis, IsInTheData) {
  EXPECT_EQ(csv(with_numbers()),
            "panel,series,x,y,value\r\n,,15,1.5,1\r\n,,25,1.5,2\r\n,,15,0.5,3\r\n,,25,0.5,4\r\n,,15,-0.5,5\r\n"
            ",,25,-0.5,6\r\n,,15,-1.5,7\r\n,,25,-1.5,8\r\n");
  const std::string page = html_numbers(with_numbers());
  EXPECT_NE(page.find("<th>15</th><th>25</th>"), std::string::npos);
  EXPECT_NE(page.find("<th>-1.5</th><td>7</td>"), std::string::npos);
  const auto layer = nlohmann::json::parse(vega_lite(with_numbers(), Theme::light))["concat"][0]["layer"][0];
  EXPECT_EQ(layer["encoding"]["y"]["axis"]["labelExpr"], "format(2 - (datum.value + 0.5) * 1, '.6~g')");
  EXPECT_EQ(layer["encoding"]["x"]["axis"]["labelExpr"], "format(10 + (datum.value + 0.5) * 10, '.6~g')");
}

}  // namespace
}  // namespace stratoscope
