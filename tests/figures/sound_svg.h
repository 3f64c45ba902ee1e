// What holds for every figure drawn as svg.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/svg.h"
#include "stratoscope/figures/text.h"
#include "tests/figures/sample_figures.h"
#include "tests/figures/xml_reader.h"

namespace stratoscope::sample {

inline constexpr double kRounding = 0.0051;  // of a coordinate with two decimals

// The texts of a plan that are in the picture, with their font sizes; a reference outside of its axis is not.
inline std::vector<std::pair<TextSpot, double>> spots_of(const FigurePlan& plan) {
  std::vector<std::pair<TextSpot, double>> spots;
  const auto add = [&](const TextSpot& spot, double size) {
    const bool inside = spot.x >= 0 && spot.x <= plan.width && spot.y >= 0 && spot.y <= plan.height;
    if (!spot.text.empty() && inside) spots.emplace_back(spot, size);
  };
  for (const TextSpot& spot : plan.title) add(spot, kFigureTitleSize);
  for (const TextSpot& spot : plan.notes) add(spot, kNoteSize);
  for (const PanelPlan& panel : plan.panels) {
    add(panel.title, kPanelTitleSize), add(panel.x_title, kAxisTitleSize), add(panel.y_title, kAxisTitleSize);
    for (const TextSpot& spot : panel.references) add(spot, kTickSize);
    for (const TextSpot& spot : panel.bar_values) add(spot, kNoteSize);
    for (const TextSpot& spot : panel.trail_labels) add(spot, kNoteSize);
    for (const CellText& text : panel.cell_texts) add(text.spot, kNoteSize);
    for (const TokenTile& tile : panel.tiles) add(tile.label, kTokenSize);
    if (panel.strip) add(panel.strip->title, kAxisTitleSize);
    for (const LegendEntry& entry : panel.legend) add(entry.label, kTickSize);
    add(panel.blank, kTickSize);
  }
  if (plan.bar)
    for (const TextSpot& spot : plan.bar->title) add(spot, kAxisTitleSize);
  return spots;
}

// Whether a text element is the spot: the same text, start, middle or end, and line.
inline bool stands_at(const Element& text, const TextSpot& spot, double size) {
  const char* anchor = spot.align == Align::left ? "" : spot.align == Align::center ? "middle" : "end";
  const auto found = text.attributes.find("text-anchor");
  const std::string actual = found == text.attributes.end() ? "" : found->second;
  if (text.text != spot.text || actual != anchor || text.number("font-size") != size) return false;
  if (!text.attributes.contains(spot.upward ? "transform" : "x")) return false;
  double x = 0, y = 0;
  if (spot.upward) {
    if (std::sscanf(text.attributes.at("transform").c_str(), "translate(%lf %lf) rotate(-90)", &x, &y) != 2)
      return false;
    x -= 0.35 * size;
  } else {
    x = text.number("x"), y = text.number("y") - 0.35 * size;
  }
  return std::abs(x - spot.x) < kRounding && std::abs(y - spot.y) < kRounding;
}

inline bool shows(const std::vector<const Element*>& texts, const TextSpot& spot, double size) {
  return std::any_of(texts.begin(), texts.end(), [&](const Element* each) { return stands_at(*each, spot, size); });
}

// The element that every figure must be, and everything of its plan at its place.
inline void expect_sound(const Figure& figure, Theme theme) {
  const std::string svg = svg_figure(figure, theme);
  EXPECT_EQ(svg, svg_figure(figure, theme));
  const Element root = read_xml(svg);
  const FigurePlan plan = lay_out(figure);
  EXPECT_EQ(root.name, "svg");
  EXPECT_EQ(root.number("width"), plan.width);
  EXPECT_EQ(root.number("height"), plan.height);
  std::ostringstream box;
  box << "0 0 " << plan.width << ' ' << plan.height;
  EXPECT_EQ(root.attributes.at("viewBox"), box.str());
  std::size_t titles = 1;  // of the picture, and of each token of a coloured text
  for (const PanelPlan& panel : plan.panels) titles += panel.tiles.size();
  ASSERT_EQ(elements(root, "title").size(), titles);
  EXPECT_FALSE(elements(root, "title")[0]->text.empty());
  ASSERT_EQ(elements(root, "desc").size(), 1U);
  EXPECT_EQ(elements(root, "desc")[0]->text, plain_text(full_caption(figure)));
  EXPECT_EQ(count(svg, " id="), 0U) << "a page can show it twice";
  EXPECT_EQ(count(svg, "<script"), 0U);
  EXPECT_EQ(count(svg, "href="), count(svg, "xlink:href=\"data:image/png;base64,"));
  const auto texts = elements(root, "text");
  for (const auto& [spot, size] : spots_of(plan)) EXPECT_TRUE(shows(texts, spot, size)) << spot.text;
  for (const char* name : {"path", "rect", "circle", "image", "text"}) {
    for (const Element* each : elements(root, name)) {
      for (const auto& [key, value] : each->attributes) {
        const bool numeric = key == "d" || key == "x" || key == "y" || key == "cx" || key == "cy" || key == "r" ||
                             key == "width" || key == "height" || key == "transform";
        const bool finite = value.find("nan") == std::string::npos && value.find("inf") == std::string::npos;
        EXPECT_TRUE(finite || !numeric) << key << '=' << value;
      }
    }
  }
}

}  // namespace stratoscope::sample
