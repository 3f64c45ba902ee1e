// Coloured texts in every form, and the places of their tokens.
#include <gtest/gtest.h>

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

Figure long_text(std::size_t words) {
  ColoredText text{{}, {}, {ColorMap::rising, "surprisal (nats)", 0, 10}};
  for (std::size_t i = 0; i < words; ++i) {
    text.tokens.push_back(i % 7 == 3 ? "ness" : " word" + std::string(i % 9, 'x'));
    text.values.push_back(static_cast<double>(i % 11));
  }
  Figure figure;
  figure.panels.push_back({"", {}, {}, {text}});
  return figure;
}

TEST(ColoredText, TokensLieInTheirOrderWithoutOverlapAndInsideThePlot) {
  for (const Figure& figure : {sample::colored_texts(), long_text(1024)}) {
    const FigurePlan plan = lay_out(figure);
    for (std::size_t p = 0; p < plan.panels.size(); ++p) {
      const PanelPlan& panel = plan.panels[p];
      ASSERT_EQ(panel.tiles.size(), colored_text_of(figure.panels[p])->tokens.size());
      for (std::size_t i = 0; i < panel.tiles.size(); ++i) {
        const TokenTile& tile = panel.tiles[i];
        EXPECT_EQ(tile.token, i);
        EXPECT_GE(tile.box.left, panel.plot.left);
        EXPECT_LE(tile.box.right(), panel.plot.right() + 1e-9);
        EXPECT_GE(tile.box.top, panel.plot.top);
        EXPECT_LE(tile.box.bottom(), panel.plot.bottom());
        EXPECT_LE(text_width(tile.label.text, kTokenSize), tile.box.width);
        if (i == 0) continue;
        const Box& before = panel.tiles[i - 1].box;
        EXPECT_TRUE(tile.box.top == before.top ? tile.box.left >= before.right() : tile.box.top >= before.bottom());
      }
    }
  }
}

TEST(ColoredText, GrowsWithItsLengthAndBreaksLinesBeforeWords) {
  const Figure figure = long_text(1024);
  const FigurePlan plan = lay_out(figure);
  EXPECT_GT(plan.height, 1000);
  EXPECT_LT(plan.width, 800);
  const auto& tokens = colored_text_of(figure.panels[0])->tokens;
  std::size_t lines = 1;
  for (const TokenTile& tile : plan.panels[0].tiles) {
    if (tile.token == 0 || tile.box.top == plan.panels[0].tiles[tile.token - 1].box.top) continue;
    ++lines;
    EXPECT_TRUE(tokens[tile.token].starts_with(' ')) << "a word stays together";
  }
  EXPECT_GT(lines, 60U);
}

TEST(ColoredText, LineBreaksOfTheTextBreakLines) {
  const PanelPlan panel = lay_out(sample::colored_texts()).panels[0];
  const auto line = [&](std::size_t token) { return (panel.tiles[token].box.top - panel.tiles[0].box.top) / 24; };
  EXPECT_DOUBLE_EQ(line(4), 0);
  EXPECT_DOUBLE_EQ(line(5), 1);
  EXPECT_DOUBLE_EQ(line(6), 2);
  EXPECT_EQ(panel.tiles[4].label.text, ".↵");
  EXPECT_EQ(panel.tiles[3].label.text, "·cute");
  EXPECT_EQ(panel.tiles[8].label.text, "⇥<&>");
}

TEST(ColoredText, AWordLongerThanALineBreaksBetweenTokensAndATokenIsShortened) {
  ColoredText text{std::vector<std::string>(200, "字"), std::vector<double>(200, 1), {}};
  text.tokens.push_back(std::string(500, 'x'));
  text.values.push_back(1);
  const PanelPlan panel = lay_out({"", "", "", {{"", {}, {}, {text}}}, 1, std::nullopt}).panels[0];
  EXPECT_GT(panel.tiles[199].box.top, panel.tiles[0].box.top);
  EXPECT_TRUE(panel.tiles[200].label.text.ends_with("…"));
  EXPECT_LE(panel.tiles[200].box.right(), panel.plot.right() + 1e-9);
}

TEST(ColoredText, EachHasAColourBarOfItsOwnAboveIt) {
  const FigurePlan plan = lay_out(sample::colored_texts());
  EXPECT_FALSE(plan.bar);
  for (const PanelPlan& panel : plan.panels) {
    ASSERT_TRUE(panel.strip);
    EXPECT_LT(panel.strip->box.bottom(), panel.plot.top);
    EXPECT_GE(panel.strip->ticks.size(), 3U);
  }
  EXPECT_EQ(plan.panels[0].strip->title.text, "surprisal (nats)");
  EXPECT_EQ(plan.panels[1].strip->title.text, "change");
}

TEST(ColoredText, LettersContrastWithEveryBackground) {
  for (const Theme theme : {Theme::light, Theme::dark}) {
    for (const ColorMap map : {ColorMap::rising, ColorMap::diverging, ColorMap::plasma}) {
      const ColoredText text{{"a", "b", "c", "d"}, {-1, 0, 1, NAN}, {map, "", -1, 1}};
      for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(tile_text_color(text, i, theme), text_on(scale_color(text.scale, theme, text.values[i])));
      EXPECT_FALSE(tile_color(text, 3, theme));
      EXPECT_EQ(tile_text_color(text, 3, theme), palette(theme).text);
    }
  }
}

TEST(ColoredText, TheRisingMapBeginsAtTheMiddleOfTheDivergingOne) {
  for (const Theme theme : {Theme::light, Theme::dark}) {
    EXPECT_EQ(color_at(ColorMap::rising, theme, 0), color_at(ColorMap::diverging, theme, 0.5));
    EXPECT_EQ(color_at(ColorMap::rising, theme, 1), color_at(ColorMap::diverging, theme, 1));
  }
}

TEST(ColoredText, AsSvgShowsAValueUnderThePointer) {
  const std::string svg = svg_figure(sample::colored_texts(), Theme::light);
  EXPECT_EQ(sample::count(svg, "data-part=\"token\""), 8U + 9U) << "the first token has no number";
  EXPECT_NE(svg.find("<title>token 2: 2.5</title>"), std::string::npos);
  EXPECT_NE(svg.find("<title>token 0: no value</title>"), std::string::npos);
  EXPECT_EQ(sample::count(svg, "data-part=\"axes\""), 0U);
}

TEST(ColoredText, AsAPageIsDrawnWithoutGnuplot) {
  EXPECT_EQ(render_svg(sample::colored_texts(), Theme::dark),
            svg_figure(sample::colored_texts(), Theme::dark, Notes::left_out));
  EXPECT_NE(html_numbers(sample::colored_texts()).find("<th>·“Yes</th><td>3</td>"), std::string::npos);
}

TEST(ColoredText, AsAScriptHasARectanglePerColourAndALabelPerToken) {
  const std::string script = gnuplot_script(sample::colored_texts(), Theme::light, Terminal::png, "f");
  EXPECT_EQ(sample::count(script, "set object rectangle"), 8U + 9U + 2 * 128U);
  EXPECT_NE(script.find("set label '·cute' at screen"), std::string::npos);
  EXPECT_EQ(sample::count(script, "unset object"), 2U);
}

TEST(ColoredText, AsDataHasEveryToken) {
  const std::string rows = csv(sample::colored_texts());
  EXPECT_EQ(sample::count(rows, "\r\n"), 1U + 18U);
  EXPECT_NE(rows.find("surprisal,Pen,0,,\r\n"), std::string::npos) << "no number is an empty field";
  EXPECT_NE(rows.find("surprisal, cute,3,,6\r\n"), std::string::npos);
  const auto spec = nlohmann::json::parse(vega_lite(sample::colored_texts(), Theme::light));
  const auto& layers = spec["concat"][0]["layer"];
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[0]["data"]["values"].size(), 8U);
  EXPECT_EQ(layers[0]["data"]["values"][2]["value"], 6);
  EXPECT_EQ(layers[0]["encoding"]["color"]["legend"]["title"], "surprisal (nats)");
  EXPECT_EQ(layers[1]["data"]["values"].size(), 9U);
  EXPECT_EQ(spec["resolve"]["scale"]["color"], "independent");
}

TEST(ColoredText, WrongOnesAreRefused) {
  Figure lengths = sample::colored_texts(), shared = sample::colored_texts(), range = sample::colored_texts();
  std::get<ColoredText>(lengths.panels[0].marks[0]).values.pop_back();
  EXPECT_THROW(lay_out(lengths), Error);
  shared.panels[1].marks.emplace_back(Reference{"clean", 0});
  EXPECT_THROW(lay_out(shared), Error);
  std::get<ColoredText>(range.panels[0].marks[0]).scale.high = 0;
  EXPECT_THROW(lay_out(range), Error);
}

TEST(ColoredText, OfNoTokensIsDrawn) {
  Figure figure;
  figure.panels.push_back({"nothing", {}, {}, {ColoredText{{}, {}, {}}}});
  EXPECT_NE(svg_figure(figure, Theme::light).find("nothing"), std::string::npos);
  EXPECT_NO_THROW(gnuplot_script(figure, Theme::light, Terminal::svg, "f"));
}

}  // namespace
}  // namespace stratoscope
