// Trails in every form, and the positions of their names.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "stratoscope/base/error.h"
#include "stratoscope/figures/csv.h"
#include "stratoscope/figures/gnuplot.h"
#include "stratoscope/figures/html.h"
#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/text.h"
#include "stratoscope/figures/vega_lite.h"
#include "tests/figures/sample_figures.h"

namespace stratoscope {
namespace {

TEST(Trails, AreDrawnPointByPoint) {
  const std::string script = gnuplot_script(sample::trails(), Theme::light, Terminal::svg, "f");
  EXPECT_NE(script.find("$trails_1_1 << END\n0 0 0\n10 NaN 1\n20 0 2\n\n0 0 0\n"), std::string::npos);
  const std::string svg = render_svg(sample::trails(), Theme::light);
  EXPECT_GE(sample::count(svg, "<circle cx="), 8U) << "one disc per point that is a number";
  EXPECT_NE(svg.find("“ t2”"), std::string::npos);
}

TEST(Trails, AsDataHaveEveryPoint) {
  const std::string rows = csv(sample::trails());
  EXPECT_EQ(sample::count(rows, "\r\n"), 1U + 9U);
  EXPECT_NE(rows.find(",“ t0”,20,0,2\r\n"), std::string::npos);
  EXPECT_NE(rows.find(",“ t0”,10,,1\r\n"), std::string::npos) << "what is missing stays empty";
  const auto spec = nlohmann::json::parse(vega_lite(sample::trails(), Theme::dark));
  const auto& layer = spec["concat"][0]["layer"][0];
  EXPECT_EQ(layer["data"]["values"].size(), 8U);
  EXPECT_EQ(layer["layer"].size(), 2U);
  EXPECT_NE(html_numbers(sample::trails()).find("<th>L1</th>"), std::string::npos);
}

TEST(Trails, NamesCoverNeitherEachOtherNorTheFrame) {
  for (const std::size_t count : {1U, 12U, 300U}) {
    const FigurePlan plan = lay_out(sample::trails(count));
    const PanelPlan& panel = plan.panels[0];
    EXPECT_GE(panel.trail_labels.size(), count == 1 ? 1U : 6U);
    EXPECT_LE(panel.trail_labels.size(), 40U);
    for (std::size_t i = 0; i < panel.trail_labels.size(); ++i) {
      const TextSpot& spot = panel.trail_labels[i];
      const double width = text_width(spot.text, kNoteSize);
      const double left = spot.align == Align::left ? spot.x : spot.x - width;
      EXPECT_GE(left, panel.plot.left);
      EXPECT_LE(left + width, plan.width);
      for (std::size_t k = 0; k < i; ++k) {
        const TextSpot& other = panel.trail_labels[k];
        const double other_width = text_width(other.text, kNoteSize);
        const double other_left = other.align == Align::left ? other.x : other.x - other_width;
        EXPECT_TRUE(std::abs(spot.y - other.y) >= 10 || left + width < other_left || other_left + other_width < left);
      }
    }
  }
}

TEST(Trails, WhatCannotBeDrawnIsRefused) {
  Figure figure = sample::trails();
  std::get<Trails>(figure.panels[0].marks[0]).trails[1].y.pop_back();
  EXPECT_THROW(lay_out(figure), Error);
  Figure categories = sample::trails();
  categories.panels[0].x.ticks = {"a", "b"};
  EXPECT_THROW(lay_out(categories), Error);
}

TEST(Trails, ColoursStandOutFromTheGround) {
  const ColorScale clear = *sample::trails().color;
  EXPECT_EQ(scale_stops(clear, Theme::light).front(), color_stops(ColorMap::plasma, Theme::light).front());
  EXPECT_NE(scale_stops(clear, Theme::light).back(), color_stops(ColorMap::plasma, Theme::light).back());
  EXPECT_NE(scale_stops(clear, Theme::dark).front(), color_stops(ColorMap::plasma, Theme::dark).front());
  EXPECT_EQ(scale_stops({}, Theme::dark), color_stops(ColorMap::plasma, Theme::dark));
}

}  // namespace
}  // namespace stratoscope
