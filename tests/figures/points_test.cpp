// Points in every form, and the places of their names.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "stratoscope/base/error.h"
#include "stratoscope/figures/csv.h"
#include "stratoscope/figures/gnuplot.h"
#include "stratoscope/figures/html.h"
#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/svg.h"
#include "stratoscope/figures/text.h"
#include "stratoscope/figures/vega_lite.h"
#include "tests/figures/sample_figures.h"

namespace stratoscope {
namespace {

TEST(Points, AreDrawnOneByOne) {
  const std::string script = gnuplot_script(sample::points(3), Theme::light, Terminal::svg, "f");
  EXPECT_NE(script.find("$dots_1_1 << END\n0 0\n0.5403023 0.841471\n-0.8322937 NaN\nEND"), std::string::npos);
  EXPECT_NE(script.find("$dots_1_1 using 1:2 with points"), std::string::npos);
  const std::string svg = svg_figure(sample::points(), Theme::dark);
  EXPECT_EQ(sample::count(svg, "<circle cx="), 19U) << "one disc per point that is a number";
  EXPECT_NE(svg.find("“ p18”"), std::string::npos);
  EXPECT_EQ(svg.find("“ p19”"), std::string::npos);
}

TEST(Points, AreInTheData) {
  const std::string rows = csv(sample::points(3));
  EXPECT_EQ(sample::count(rows, "\r\n"), 1U + 3U);
  EXPECT_NE(rows.find(",“ p0”,0,,0\r\n"), std::string::npos);
  const auto spec = nlohmann::json::parse(vega_lite(sample::points(), Theme::light));
  const auto& layers = spec["concat"][0]["layer"];
  EXPECT_EQ(layers[0]["data"]["values"].size(), 19U);
  EXPECT_EQ(layers[0]["data"]["values"][18]["label"], "“ p18”");
  EXPECT_NE(html_numbers(sample::points(3)).find("<tr><th>“ p0”</th><td>0</td><td>0</td></tr>"), std::string::npos);
}

TEST(Points, NamesCoverNeitherEachOtherNorAPoint) {
  for (const std::size_t count : {2U, 20U, 400U}) {
    const PanelPlan panel = lay_out(sample::points(count)).panels[0];
    EXPECT_GE(panel.trail_labels.size(), std::min<std::size_t>(count - 1, 15)) << count;
    const auto box = [](const TextSpot& spot) {
      const double width = text_width(spot.text, kNoteSize);
      const double before = spot.align == Align::left ? 0 : spot.align == Align::right ? width : width / 2;
      return Box{spot.x - before, spot.y - 6, width, 12};
    };
    const Points points = std::get<Points>(sample::points(count).panels[0].marks[0]);
    for (std::size_t i = 0; i < panel.trail_labels.size(); ++i) {
      const Box label = box(panel.trail_labels[i]);
      EXPECT_GE(label.left, panel.plot.left);
      for (std::size_t k = 0; k < i; ++k) {
        const Box other = box(panel.trail_labels[k]);
        EXPECT_TRUE(label.right() < other.left || other.right() < label.left || label.bottom() < other.top ||
                    other.bottom() < label.top);
      }
      for (std::size_t k = 0; k + 1 < count; ++k) {
        const double x = panel.x_of(points.x[k]), y = panel.y_of(points.y[k]);
        EXPECT_FALSE(x > label.left && x < label.right() && y > label.top && y < label.bottom());
      }
    }
  }
}

TEST(Points, WhatCannotBeDrawnIsRefused) {
  Figure figure = sample::points();
  std::get<Points>(figure.panels[0].marks[0]).y.pop_back();
  EXPECT_THROW(lay_out(figure), Error);
  Figure names = sample::points();
  std::get<Points>(names.panels[0].marks[0]).labels.pop_back();
  EXPECT_THROW(lay_out(names), Error);
  Figure categories = sample::points();
  categories.panels[0].y.ticks = {"a", "b"};
  EXPECT_THROW(lay_out(categories), Error);
}

}  // namespace
}  // namespace stratoscope
