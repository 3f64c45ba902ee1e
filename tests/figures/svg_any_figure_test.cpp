// Empty, hostile and random figures drawn as svg.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "stratoscope/base/error.h"
#include "tests/figures/sound_svg.h"

namespace stratoscope {
namespace {

TEST(SvgOfAnyFigure, DrawsPanelsWithoutAnyData) {
  Figure figure;
  figure.color = ColorScale{};
  figure.panels = {{"empty", {}, {}, {}},
                   {"lines", {}, {}, {Line{}}},
                   {"gone", {}, {}, {Line{"", {0, 1}, {NAN, NAN}}}},
                   {"points", {}, {}, {JitteredPoints{{{}, {NAN}}}}},
                   {"bars", {}, {}, {Bars{}}},
                   {"bar", {}, {}, {Bars{{NAN}}}},
                   {"cells", {}, {}, {Heatmap{}}},
                   {"row", {}, {}, {Heatmap{{{}}}}},
                   {"cell", {}, {}, {Heatmap{{{NAN}}}}},
                   {"trails", {}, {}, {Trails{{{"t", {NAN}, {NAN}}, {"u", {}, {}}}, {}}}},
                   {"dots", {}, {}, {Points{}}},
                   {"dot", {}, {}, {Points{{NAN}, {0}, {"gone"}}}},
                   {"reference", {}, {}, {Reference{"nowhere", NAN}, Reference{"far", 1e308}}}};
  sample::expect_sound(figure, Theme::dark);
  EXPECT_EQ(sample::count(svg_figure(figure, Theme::dark), ">no finite number<"), 5U);
  EXPECT_THROW(svg_figure(Figure{}, Theme::light), Error);
}

TEST(SvgOfAnyFigure, ShowsHostileTextAsItIs) {
  auto texts = sample::nasty_texts("/nonexistent");
  for (const char* text : {"]]>", "<!--", "-->", "<![CDATA[", "&#0;", "&lt;", "\" onload=\"alert(1)", "  two  spaces  ",
                           "سلام עולם", "e\xcc\x81\xcc\x82\xcc\x83", "\xef\xbf\xbe", "\xed\xa0\x80", "</title>"})
    texts.emplace_back(text);
  for (const std::string& text : texts) {
    Figure figure;
    figure.title = figure.caption = figure.note = text;
    figure.color = ColorScale{ColorMap::plasma, text, 0, 1, true};
    figure.columns = 2;
    const std::vector<double> values(texts.size(), 1.0);
    figure.panels.push_back({text,
                             {text, texts},
                             {text},
                             {Bars{values}, Reference{text, 0.5}, Line{text, {0}, {1}}, Line{text, {1}, {1}}}});
    figure.panels.push_back({text, {text}, {text, texts}, {Bars{values, true}}});
    figure.panels.push_back({text, {text}, {text}, {Trails{{{text, {0}, {1}}, {text, {2}, {3}}}, {text}}}});
    figure.panels.push_back({text, {text}, {text}, {Points{{0, 1}, {1, 2}, {text, text}}}});
    figure.panels.push_back({text, {text, {text}}, {text, {text}}, {Heatmap{{{1}}, {{text}}}}});
    figure.panels.push_back({text, {}, {}, {ColoredText{texts, values, {ColorMap::rising, text, 0, 1}}}});
    sample::expect_sound(figure, Theme::light);
  }
}

class RandomFigure {
 public:
  explicit RandomFigure(std::uint64_t seed) : random_(seed) {}

  Figure figure() {
    Figure result;
    result.title = text(), result.caption = text(), result.note = text();
    result.columns = below(4);
    if (below(3) > 0) {
      const double low = finite();
      const auto map = static_cast<ColorMap>(below(4));
      result.color = ColorScale{map, text(), low, low + std::abs(low) + 1, below(2) == 0, below(2) == 0};
    }
    for (std::size_t p = 0; p <= below(6); ++p) result.panels.push_back(panel());
    return result;
  }

 private:
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
  double finite() {
    return (static_cast<double>(below(2001)) - 1000) * std::pow(10.0, static_cast<double>(below(9)) - 6);
  }
  double value() {
    static constexpr double kOdd[] = {NAN, HUGE_VAL, -HUGE_VAL, 1e308, -1e308, 5e-324, 0, -0.0};
    return below(8) == 0 ? kOdd[below(std::size(kOdd))] : finite();
  }
  std::vector<double> values(std::size_t count) {
    std::vector<double> result(count);
    for (double& each : result) each = value();
    return result;
  }
  std::string text() {
    static const std::vector<std::string> nasty = sample::nasty_texts("/nonexistent");
    if (below(2) == 0) return nasty[below(nasty.size())];
    std::string bytes;
    for (std::size_t i = below(30); i > 0; --i) bytes += static_cast<char>(below(256));
    return bytes;
  }
  std::vector<std::string> texts(std::size_t count) {
    std::vector<std::string> result(count);
    for (std::string& each : result) each = text();
    return result;
  }
  Axis axis(std::size_t categories) {
    Axis result{text()};
    if (categories > 0 && below(2) == 0) result.ticks = texts(categories);
    if (below(3) == 0) result.range = std::pair(value(), value());
    result.logarithmic = below(4) == 0;
    return result;
  }
  Panel panel() {
    const std::size_t count = below(12);
    switch (below(6)) {
      case 0: return {text(), axis(count), axis(0), {JitteredPoints{{values(below(30)), values(count)}}, line(count)}};
      case 1: return {text(), axis(0), axis(0), {line(count), Reference{text(), value()}, line(below(4)), line(count)}};
      case 2: return {text(), axis(0), axis(count), {Bars{values(count), true, below(2) == 0}}};
      case 3: {
        Heatmap map;
        const bool large = below(10) == 0;
        for (std::size_t row = large ? 80 : below(9); row > 0; --row)
          map.values.push_back(values(large ? 60 : below(9)));
        if (below(2) == 0)
          for (const auto& row : map.values) map.texts.push_back(texts(row.size()));
        return {text(), axis(0), axis(0), {map}};
      }
      case 4: {
        const ColorScale scale{static_cast<ColorMap>(below(4)), text(), 0, std::abs(finite()) + 1, below(2) == 0};
        return {text(), axis(0), axis(0), {ColoredText{texts(count), values(count), scale}}};
      }
      default: break;
    }
    if (below(2) == 0) {
      const Points points{values(count), values(count), below(2) == 0 ? texts(count) : std::vector<std::string>()};
      return {text(), axis(0), axis(0), {points}};
    }
    Trails trails{{}, texts(count)};
    for (std::size_t t = below(5); t > 0; --t) trails.trails.push_back({text(), values(count), values(count)});
    return {text(), axis(0), axis(0), {trails}};
  }
  Line line(std::size_t count) { return {text(), values(count), values(count), below(2) == 0}; }

  std::mt19937_64 random_;
};

TEST(SvgOfAnyFigure, IsSound) {
  std::size_t drawn = 0;
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE(seed);
    const Figure figure = RandomFigure(seed).figure();
    try {
      lay_out(figure);
    } catch (const Error&) {
      EXPECT_THROW(svg_figure(figure, Theme::light), Error);
      continue;
    }
    sample::expect_sound(figure, seed % 2 == 0 ? Theme::light : Theme::dark);
    ++drawn;
  }
  EXPECT_GT(drawn, 100U);
}

}  // namespace
}  // namespace stratoscope
