#include "stratoscope/figures/theme.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace stratoscope {
namespace {

double luminance(Rgb color) { return 0.2126 * color.red + 0.7152 * color.green + 0.0722 * color.blue; }

TEST(Theme, HasTheGroundAndTextOfTheDesign) {
  EXPECT_EQ(hex(palette(Theme::light).ground), "#ffffff");
  EXPECT_EQ(hex(palette(Theme::light).text), "#222222");
  EXPECT_EQ(hex(palette(Theme::dark).ground), "#383838");
  EXPECT_EQ(hex(palette(Theme::dark).text), "#dde2f4");
}

TEST(ColorAt, ReachesBothEndsAndStaysThere) {
  EXPECT_EQ(hex(color_at(ColorMap::plasma, Theme::light, 0)), "#0d0887");
  EXPECT_EQ(hex(color_at(ColorMap::plasma, Theme::light, 1)), "#f0f921");
  EXPECT_EQ(hex(color_at(ColorMap::plasma, Theme::light, 7)), "#f0f921");
  EXPECT_EQ(hex(color_at(ColorMap::viridis, Theme::dark, -1)), "#440154");
}

TEST(ColorAt, GrowsLighterAlongTheSequentialMaps) {
  for (const ColorMap map : {ColorMap::plasma, ColorMap::viridis}) {
    double before = -1;
    for (int i = 0; i <= 100; ++i) {
      const double now = luminance(color_at(map, Theme::light, i / 100.0));
      EXPECT_GE(now, before - 0.5) << i;
      before = now;
    }
  }
}

TEST(ColorAt, DivergingMapIsNearTheGroundAtZeroAndFarAtTheEnds) {
  for (const Theme theme : {Theme::light, Theme::dark}) {
    const double ground = luminance(palette(theme).ground);
    const auto distance = [&](double t) {
      return std::abs(luminance(color_at(ColorMap::diverging, theme, t)) - ground);
    };
    EXPECT_LT(distance(0.5), 40);
    EXPECT_GT(distance(0), 90);
    EXPECT_GT(distance(1), 90);
    EXPECT_EQ(color_stops(ColorMap::diverging, theme).size() % 2, 1U);
  }
}

TEST(CategoryColor, StandsOutFromTheGround) {
  for (const Theme theme : {Theme::light, Theme::dark}) {
    for (std::size_t i = 0; i < 49; ++i) {
      const Rgb color = category_color(ColorMap::plasma, theme, i, 49), ground = palette(theme).ground;
      const int apart =
          std::abs(color.red - ground.red) + std::abs(color.green - ground.green) + std::abs(color.blue - ground.blue);
      EXPECT_GT(apart, 90) << i;
    }
  }
}

TEST(SeriesColor, SingleLineHasTheAccentAndManyDiffer) {
  EXPECT_EQ(series_color(Theme::dark, 0, 1), palette(Theme::dark).accent);
  std::set<std::string> colors;
  for (std::size_t i = 0; i < 8; ++i) colors.insert(hex(series_color(Theme::light, i, 8)));
  EXPECT_EQ(colors.size(), 8U);
}

}  // namespace
}  // namespace stratoscope
