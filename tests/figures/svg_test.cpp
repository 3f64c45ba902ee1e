#include "stratoscope/figures/svg.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>

#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/svg_elements.h"
#include "tests/figures/sample_figures.h"
#include "tests/figures/sound_svg.h"
#include "tests/figures/xml_reader.h"

namespace stratoscope {
namespace {

using sample::Element;
using sample::elements;
using sample::kRounding;
using sample::read_xml;
using sample::shows;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Element drawn_element(const Figure& figure, Theme theme = Theme::light) { return read_xml(svg_figure(figure, theme)); }

std::vector<const Element*> of_part(const Element& root, const std::string& name, const std::string& value) {
  std::vector<const Element*> found = elements(root, name);
  std::erase_if(found, [&](const Element* each) { return !each->has("data-part", value); });
  return found;
}

struct Command {
  char letter;
  double x, y;
};

// "M1 2L3 4H5V6h7v8" with absolute and relative lines as they are written; a missing coordinate is NaN.
std::vector<Command> commands_of(const std::string& path) {
  std::vector<Command> commands;
  for (std::size_t at = 0; at < path.size();) {
    const char letter = path[at];
    const std::size_t end = std::min(path.find_first_of("MLHVhvz", at + 1), path.size());
    std::istringstream numbers(path.substr(at + 1, end - at - 1));
    Command command{letter, NAN, NAN};
    if (letter == 'V' || letter == 'v')
      numbers >> command.y;
    else if (letter != 'z')
      numbers >> command.x;
    if (letter == 'M' || letter == 'L') numbers >> command.y;
    EXPECT_TRUE(numbers.eof() || letter == 'z') << path.substr(at, end - at);
    commands.push_back(command);
    at = end;
  }
  return commands;
}

TEST(SvgFigure, DrawsEveryKindOfFigureInBothThemes) {
  for (const Figure& figure : sample::all())
    for (const Theme theme : {Theme::light, Theme::dark}) sample::expect_sound(figure, theme);
}

TEST(SvgFigure, HasTheThemesGround) {
  for (const Theme theme : {Theme::light, Theme::dark}) {
    const Element root = drawn_element(sample::lines(), theme);
    const Element* ground = elements(root, "rect").front();
    EXPECT_TRUE(ground->has("fill", hex(palette(theme).ground)));
    EXPECT_EQ(ground->number("width"), root.number("width"));
    EXPECT_EQ(ground->number("height"), root.number("height"));
  }
}

TEST(SvgFigure, LeavesNotesToAPage) {
  Figure figure = sample::lines();
  figure.note = "Two values are clipped.";
  EXPECT_EQ(sample::count(svg_figure(figure, Theme::light), ">Two values are clipped.</text>"), 1U);
  const std::string svg = svg_figure(figure, Theme::light, Notes::left_out);
  EXPECT_EQ(sample::count(svg, ">Two values are clipped.</text>"), 0U);
  EXPECT_EQ(read_xml(svg).number("height"), lay_out(figure, Notes::left_out).height);
}

TEST(SvgFigure, TicksAreThoseOfTheAxisPlan) {
  for (const Figure& figure : sample::all()) {
    if (is_all_text(figure)) continue;
    const Element root = drawn_element(figure);
    const FigurePlan plan = lay_out(figure);
    const auto texts = elements(root, "text");
    const auto axes = of_part(root, "path", "axes");
    ASSERT_EQ(axes.size(), plan.panels.size() + (plan.bar ? 1 : 0));
    for (std::size_t p = 0; p < plan.panels.size(); ++p) {
      const PanelPlan& panel = plan.panels[p];
      std::vector<double> x, y;
      double left = NAN, bottom = NAN;
      for (const Command& command : commands_of(axes[p]->attributes.at("d"))) {
        if (command.letter == 'M') left = command.x, bottom = command.y;
        if (command.letter == 'v') {
          x.push_back(left);
          EXPECT_NEAR(bottom, panel.plot.bottom(), kRounding);
        }
        if (command.letter == 'h') {
          y.push_back(bottom);
          EXPECT_NEAR(left, panel.plot.left, kRounding);
        }
      }
      ASSERT_EQ(x.size(), panel.x.ticks.size());
      ASSERT_EQ(y.size(), panel.y.ticks.size());
      ASSERT_FALSE(x.empty() || y.empty());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double at = panel.plot.left + panel.x.fraction(panel.x.ticks[i].position) * panel.plot.width;
        EXPECT_NEAR(x[i], at, kRounding);
        const bool labelled = std::any_of(texts.begin(), texts.end(), [&](const Element* text) {
          return text->text == panel.x.ticks[i].label && text->has("text-anchor", "middle") &&
                 std::abs(text->number("x") - at) < kRounding && text->number("y") > panel.plot.bottom();
        });
        EXPECT_TRUE(labelled) << panel.x.ticks[i].label;
      }
      for (std::size_t i = 0; i < y.size(); ++i) {
        const double at = panel.plot.bottom() - panel.y.fraction(panel.y.ticks[i].position) * panel.plot.height;
        EXPECT_NEAR(y[i], at, kRounding);
        EXPECT_TRUE(shows(texts, {panel.y.ticks[i].label, panel.plot.left - kTickRoom, at, Align::right}, kTickSize));
      }
    }
  }
}

TEST(SvgFigure, LongTickLabelsReadUpwardsAndEndAtTheAxis) {
  Figure figure = sample::similarities();
  for (Panel& panel : figure.panels) panel.x.ticks = {"“ international”", "“ organisation”", "“ internationally”"};
  const FigurePlan plan = lay_out(figure);
  ASSERT_TRUE(plan.panels[0].x.rotated);
  const Element root = drawn_element(figure);
  for (const PanelPlan& panel : plan.panels)
    for (const Tick& tick : panel.x.ticks)
      EXPECT_TRUE(shows(elements(root, "text"),
                        {tick.label, panel.x_of(tick.position), panel.plot.bottom() + kTickRoom, Align::right, true},
                        kTickSize));
}

TEST(SvgFigure, ALineRunsThroughItsPoints) {
  const Figure figure = sample::lines();
  const Element root = drawn_element(figure);
  const PanelPlan panel = lay_out(figure).panels[0];
  const auto lines = of_part(root, "path", "line");
  ASSERT_EQ(lines.size(), 2U);
  const auto first = commands_of(lines[0]->attributes.at("d"));
  ASSERT_EQ(first.size(), 2U) << "of 0, 1, 2, 3 without 1 the part from 2 to 3";
  EXPECT_NEAR(first[0].x, panel.x_of(2), kRounding);
  EXPECT_NEAR(first[0].y, panel.y_of(-9.25), kRounding);
  EXPECT_NEAR(first[1].x, panel.x_of(3), kRounding);
  EXPECT_NEAR(first[1].y, panel.y_of(-10), kRounding);
  EXPECT_EQ(commands_of(lines[1]->attributes.at("d")).size(), 4U);
  EXPECT_TRUE(lines[0]->has("stroke", hex(series_color(Theme::light, 0, 2))));
  EXPECT_TRUE(lines[1]->has("stroke", hex(series_color(Theme::light, 1, 2))));
  EXPECT_EQ(elements(root, "circle").size(), 3U) << "markers of the first line, none for NaN";
  const auto references = of_part(root, "path", "reference");
  ASSERT_EQ(references.size(), 1U);
  const auto dashed = commands_of(references[0]->attributes.at("d"));
  EXPECT_NEAR(dashed[0].y, panel.y_of(-9.125), kRounding);
  EXPECT_NEAR(dashed[1].x, panel.plot.right(), kRounding);
  EXPECT_EQ(of_part(root, "path", "sample").size(), 2U) << "the legend's";
}

TEST(SvgFigure, ALineEndsWhereItLeavesThePlot) {
  Figure figure;
  figure.panels.push_back({"",
                           {"", {}, std::pair(0.0, 10.0)},
                           {"", {}, std::pair(0.0, 10.0)},
                           {Line{"", {-5, 5, 15, 20, kInfinity, 2, 3}, {5, 5, 15, -1e308, 2, 2, 3}, true}}});
  const Element root = drawn_element(figure);
  const PanelPlan panel = lay_out(figure).panels[0];
  const auto commands = commands_of(of_part(root, "path", "line")[0]->attributes.at("d"));
  const std::vector<std::pair<double, double>> expected = {{0, 5}, {5, 5}, {10, 10}, {2, 2}, {3, 3}};
  ASSERT_EQ(commands.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(commands[i].letter, i == 0 || i == 3 ? 'M' : 'L');
    EXPECT_NEAR(commands[i].x, panel.x_of(expected[i].first), kRounding);
    EXPECT_NEAR(commands[i].y, panel.y_of(expected[i].second), kRounding);
  }
  EXPECT_EQ(elements(root, "circle").size(), 3U) << "markers inside alone";
}

TEST(SvgFigure, BarsReachFromZeroToTheirValues) {
  for (const bool horizontal : {false, true}) {
    Figure figure;
    Panel panel{"", {}, {}, {Bars{{3, -2, NAN, 0.5}, horizontal}}};
    figure.panels.push_back(panel);
    const Element root = drawn_element(figure);
    const PanelPlan plan = lay_out(figure).panels[0];
    const auto bars = of_part(root, "rect", "bar");
    ASSERT_EQ(bars.size(), 3U) << "none for NaN";
    const std::vector<std::pair<double, double>> expected = {{0, 3}, {1, -2}, {3, 0.5}};
    for (std::size_t i = 0; i < bars.size(); ++i) {
      const auto [category, value] = expected[i];
      const double zero = horizontal ? plan.x_of(0) : plan.y_of(0);
      const double end = horizontal ? plan.x_of(value) : plan.y_of(value);
      const double middle = horizontal ? plan.y_of(category) : plan.x_of(category);
      const char* along = horizontal ? "x" : "y";
      const char* length = horizontal ? "width" : "height";
      const char* side = horizontal ? "y" : "x";
      const char* thickness = horizontal ? "height" : "width";
      EXPECT_NEAR(bars[i]->number(along), std::min(zero, end), kRounding);
      EXPECT_NEAR(bars[i]->number(length), std::abs(zero - end), kRounding);
      EXPECT_NEAR(bars[i]->number(side) + bars[i]->number(thickness) / 2, middle, 2 * kRounding);
      EXPECT_GT(bars[i]->number(thickness), 10);
      EXPECT_TRUE(bars[i]->has("fill", hex(palette(Theme::light).accent)));
    }
  }
}

TEST(SvgFigure, BarsOnALogarithmicAxisBeginAtItsEnd) {
  const Figure figure = sample::activations();
  const Element root = drawn_element(figure);
  const PanelPlan plan = lay_out(figure).panels[1];
  const auto bars = of_part(root, "rect", "bar");
  ASSERT_EQ(bars.size(), 5U);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    EXPECT_NEAR(bars[i]->number("y"), plan.y_of(std::pow(3.0, static_cast<double>(i))), kRounding);
    EXPECT_NEAR(bars[i]->number("y") + bars[i]->number("height"), plan.plot.bottom(), 2 * kRounding);
    EXPECT_TRUE(bars[i]->has("fill", hex(category_color(ColorMap::plasma, Theme::light, i, 5))));
  }
}

TEST(SvgFigure, EveryPointIsADiscInItsColour) {
  const Figure figure = sample::activations();
  const Element root = drawn_element(figure);
  const FigurePlan plan = lay_out(figure);
  const auto& columns = plan.scatters.panels[0][0].columns;
  std::vector<const Element*> groups = elements(root, "g");
  std::erase_if(groups, [](const Element* each) { return !each->attributes.contains("fill-opacity"); });
  ASSERT_EQ(groups.size(), columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    EXPECT_TRUE(groups[i]->has("fill", hex(category_color(ColorMap::plasma, Theme::light, i, columns.size()))));
    ASSERT_EQ(groups[i]->children.size(), 40U);
    for (std::size_t k = 0; k < columns[i].size(); ++k) {
      EXPECT_NEAR(groups[i]->children[k].number("cx"), plan.panels[0].x_of(columns[i][k].first), kRounding);
      EXPECT_NEAR(groups[i]->children[k].number("cy"), plan.panels[0].y_of(columns[i][k].second), kRounding);
    }
  }
}

TEST(SvgFigure, TrailsHaveADiscForEachStepInItsColour) {
  const Figure figure = sample::trails();
  const Element root = drawn_element(figure);
  const PanelPlan plan = lay_out(figure).panels[0];
  EXPECT_EQ(of_part(root, "path", "trail").size(), 3U);
  const auto discs = elements(root, "circle");
  ASSERT_EQ(discs.size(), 8U) << "one number is missing";
  const Trail& last = std::get<Trails>(figure.panels[0].marks[0]).trails[2];
  for (std::size_t step = 0; step < 3; ++step) {
    EXPECT_NEAR(discs[5 + step]->number("cx"), plan.x_of(last.x[step]), kRounding);
    EXPECT_TRUE(discs[5 + step]->has("fill", hex(scale_stops(*figure.color, Theme::light)[step * 8])));
  }
}

TEST(SvgFigure, KeepsTheSpacesOfTokens) {
  Figure figure = sample::predictions();
  figure.panels[0].y.ticks = {"  two  spaces  ", "“ the”", "a  b"};
  const std::string svg = svg_figure(figure, Theme::light);
  EXPECT_EQ(sample::count(svg, " xml:space=\"preserve\""), 2U);
  const Element root = read_xml(svg);
  for (const Element* text : elements(root, "text")) {
    const bool spaces = text->text == "  two  spaces  " || text->text == "a  b";
    EXPECT_EQ(text->has("xml:space", "preserve"), spaces) << text->text;
  }
}

TEST(SvgFigure, OfManyPointsAndCellsStaysSmall) {
  EXPECT_LT(svg_figure(sample::activations(13, 3846), Theme::light).size(), 2'500'000U) << "50,000 points";
  EXPECT_LT(svg_figure(sample::large_heat_maps(), Theme::light).size(), 2'000'000U) << "960,400 cells";
}

TEST(ClipSegment, KeepsThePartInside) {
  const Box box{10, 20, 30, 40};
  const auto inside = [&](double x, double y) {
    return x >= box.left - 1e-9 && x <= box.right() + 1e-9 && y >= box.top - 1e-9 && y <= box.bottom() + 1e-9;
  };
  std::mt19937_64 random(7);
  const auto any = [&] { return static_cast<double>(random() % 100) - 10; };
  int kept = 0;
  for (int i = 0; i < 2000; ++i) {
    const Place a{any(), any()}, b{any(), any()};
    Place from = a, to = b;
    const bool some = clip_segment(box, from, to);
    kept += some;
    EXPECT_TRUE(!some || (inside(from.x, from.y) && inside(to.x, to.y)));
    const double length = std::hypot(b.x - a.x, b.y - a.y);
    for (int k = 0; k <= 50; ++k) {
      const double x = a.x + (b.x - a.x) * k / 50, y = a.y + (b.y - a.y) * k / 50;
      const double detour = std::hypot(x - from.x, y - from.y) + std::hypot(to.x - x, to.y - y);
      const bool on_part = some && detour < std::hypot(to.x - from.x, to.y - from.y) + 1e-7 * (1 + length);
      EXPECT_TRUE(on_part || !inside(x, y));
    }
  }
  EXPECT_GT(kept, 200);
  EXPECT_LT(kept, 1900);
}

}  // namespace
}  // namespace stratoscope
