#include "stratoscope/figures/gnuplot.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "stratoscope/base/error.h"
#include "tests/figures/sample_figures.h"

namespace stratoscope {
namespace {

std::string drawn(const Figure& figure, Terminal terminal, Theme theme = Theme::light) {
  return render(gnuplot_script(figure, theme, terminal, "f"), terminal, "f");
}

std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return value;
}

TEST(Render, DrawsEveryKindOfFigureInEveryFormAndTheme) {
  for (const Figure& figure : sample::all()) {
    for (const Theme theme : {Theme::light, Theme::dark}) {
      EXPECT_TRUE(drawn(figure, Terminal::svg, theme).starts_with("<?xml"));
      EXPECT_TRUE(drawn(figure, Terminal::png, theme).starts_with("\x89PNG"));
      EXPECT_TRUE(drawn(figure, Terminal::pdf, theme).starts_with("%PDF"));
    }
  }
}

TEST(Render, GivesTheSameBytesAgain) {
  for (const Terminal terminal : {Terminal::svg, Terminal::png, Terminal::pdf}) {
    const std::string script = gnuplot_script(sample::activations(), Theme::light, terminal, "f");
    EXPECT_EQ(script, gnuplot_script(sample::activations(), Theme::light, terminal, "f"));
    EXPECT_EQ(render(script, terminal, "f"), render(script, terminal, "f"));
  }
}

TEST(Render, PngHasThreeHundredDotsPerInchAndATransparentGround) {
  const Figure figure = sample::similarities();
  const FigurePlan plan = lay_out(figure);
  const std::string png = drawn(figure, Terminal::png);
  EXPECT_EQ(big_endian(png, 16), std::lround(plan.width * 300 / 96));
  EXPECT_EQ(big_endian(png, 20), std::lround(plan.height * 300 / 96));
  EXPECT_EQ(png[25], 6) << "red, green, blue and alpha";
  const std::size_t size = png.find("pHYs");
  ASSERT_NE(size, std::string::npos);
  EXPECT_EQ(big_endian(png, size + 4), 11811U) << "pixels per metre";
}

TEST(Render, SvgHasTheThemesGround) {
  EXPECT_NE(drawn(sample::lines(), Terminal::svg, Theme::dark).find("fill=\"#383838\""), std::string::npos);
  EXPECT_NE(drawn(sample::lines(), Terminal::svg, Theme::light).find("fill=\"#ffffff\""), std::string::npos);
}

TEST(Render, DrawsPanelsWithoutAnyData) {
  Figure figure;
  figure.color = ColorScale{};
  figure.panels = {{"empty", {}, {}, {}},
                   {"lines", {}, {}, {Line{}}},
                   {"gone", {}, {}, {Line{"", {0, 1}, {NAN, NAN}}}},
                   {"points", {}, {}, {JitteredPoints{{{}, {NAN}}}}},
                   {"bars", {}, {}, {Bars{}}},
                   {"bar", {}, {}, {Bars{{NAN}}}},
                   {"cells", {}, {}, {Heatmap{}}},
                   {"cell", {}, {}, {Heatmap{{{NAN}}}}},
                   {"reference", {}, {}, {Reference{"nowhere", NAN}, Reference{"far", 1e308}}}};
  const std::string svg = drawn(figure, Terminal::svg);
  EXPECT_TRUE(svg.starts_with("<?xml"));
  EXPECT_EQ(sample::count(svg, ">no finite number<"), 4U) << "gone, points, bar and cell have values, but no number";
}

// A logarithmic panel before another has no effect on its range; nearly equal values have a range too.
TEST(Render, DrawsAnyRangeAfterALogarithmicPanel) {
  Panel logarithmic{"norms", {}, {}, {Line{"", {1, 10}, {1, 100}}}};
  logarithmic.x.logarithmic = logarithmic.y.logarithmic = true;
  for (const auto& [low, high] : {std::pair{-1.0, -0.2},
                                  {-1.0, 1.0},
                                  {0.0, 0.0},
                                  {1.0, 1.0},
                                  {1.0, 1.0 + 1e-15},
                                  {-1.0, -1.0 - 1e-12},
                                  {1e9, 1e9 + 1e-3}}) {
    Figure figure;
    figure.panels = {logarithmic, {"linear", {}, {}, {Line{"", {-2, -1}, {low, high}}}}, logarithmic};
    figure.color = ColorScale{ColorMap::diverging, "change", -1, 1};
    for (const Terminal terminal : {Terminal::svg, Terminal::png})
      EXPECT_FALSE(drawn(figure, terminal).empty()) << low << " to " << high;
  }
}

TEST(Render, DrawsAHeatMapOf512By512) {
  Figure figure = sample::similarities();
  figure.panels.resize(1);
  figure.panels[0].x.ticks.clear(), figure.panels[0].y.ticks.clear();
  figure.panels[0].marks = {Heatmap{std::vector<std::vector<double>>(512, std::vector<double>(512, 0.75))}};
  EXPECT_LT(drawn(figure, Terminal::svg).size(), std::size_t{1} << 20) << "a bitmap inside, not 262,144 squares";
  EXPECT_TRUE(drawn(figure, Terminal::png).starts_with("\x89PNG"));
}

// The paths that an svg fills with the colour of `value` on plasma from 0 to 1.
std::size_t cells_of(const std::string& svg, double value) {
  const Rgb color = color_at(ColorMap::plasma, Theme::dark, value);
  char fill[64];
  std::snprintf(fill, sizeof fill, "<polygon fill = 'rgb(%3d, %3d, %3d)'", color.red, color.green, color.blue);
  return sample::count(svg, fill);
}

TEST(Render, DrawsTheCellsOfASingleRowOrColumn) {
  const std::vector<std::vector<std::vector<double>>> maps{{{0.25}}, {{0.25, NAN, 0.75}}, {{0.25}, {NAN}, {0.75}}};
  for (const auto& values : maps) {
    Figure figure;
    figure.color = ColorScale{ColorMap::plasma, "", 0, 1, false};
    figure.panels.push_back({"", {}, {}, {Heatmap{values}}});
    const std::string svg = drawn(figure, Terminal::svg, Theme::dark);
    EXPECT_EQ(cells_of(svg, 0.25), 1U);
    EXPECT_EQ(cells_of(svg, 0.75), values.size() * values[0].size() == 3 ? 1U : 0U);
    EXPECT_EQ(sample::count(svg, "<polygon fill = 'rgb(255, 255, 255)'"), 0U) << "a missing cell stays empty";
  }
}

// Every place that text can come to, filled with every nasty text, in every form.
TEST(Render, ReadsNothingIntoText) {
  const sample::Folder folder;
  const std::string witness = (folder / "touched").string();
  const auto texts = sample::nasty_texts(witness);
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
    EXPECT_TRUE(drawn(figure, Terminal::svg).starts_with("<?xml")) << text;
    EXPECT_FALSE(std::filesystem::exists(witness)) << text;
  }
}

TEST(Render, ShowsTextAsItIs) {
  Figure figure = sample::predictions();
  figure.panels[0].title = "{/Bold x} @foo it's \\n %d `id` &amp;";
  figure.panels[0].y.ticks = {"%d", "it's {", "a\nb\x01"};
  const std::string svg = drawn(figure, Terminal::svg);
  EXPECT_NE(svg.find("{/Bold x} @foo it's \\n %d `id` &amp;amp;"), std::string::npos);
  EXPECT_NE(svg.find(">%d<"), std::string::npos);
  EXPECT_NE(svg.find(">it's {<"), std::string::npos);
  EXPECT_NE(svg.find(">a↵b�<"), std::string::npos);
}

TEST(Render, DrawsNastyTextInPngAndPdfToo) {
  Figure figure = sample::predictions();
  const auto texts = sample::nasty_texts("/nonexistent");
  figure.panels[0].y.ticks = texts;
  figure.panels[0].marks = {Bars{std::vector<double>(texts.size(), 1.0), true}};
  EXPECT_TRUE(drawn(figure, Terminal::png).starts_with("\x89PNG"));
  EXPECT_TRUE(drawn(figure, Terminal::pdf).starts_with("%PDF"));
}

TEST(GnuplotScript, NeverHandsAnOutputNameToAPipe) {
  EXPECT_NE(gnuplot_script(sample::lines(), Theme::light, Terminal::svg, "|cat").find("set output './|cat'"),
            std::string::npos);
  EXPECT_NE(gnuplot_script(sample::lines(), Theme::light, Terminal::svg, "it's").find("set output 'it''s'"),
            std::string::npos);
}

TEST(Render, SaysWhatToInstallWhenGnuplotIsMissing) {
  const std::string script = gnuplot_script(sample::lines(), Theme::light, Terminal::svg, "f");
  const sample::Folder empty;
  const sample::Environment path("PATH", empty.path().string());
  try {
    render(script, Terminal::svg, "f");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.problem(), "gnuplot is not installed");
    EXPECT_NE(error.hint().find("gnuplot-nox"), std::string::npos);
  }
}

TEST(Render, ReportsABrokenScript) {
  EXPECT_THROW(render("set terminal nosuch\n", Terminal::svg, "f"), Error);
  EXPECT_THROW(render("# nothing is drawn\n", Terminal::svg, "f"), Error);
  EXPECT_THROW(render("set print 'f'; print 'not a picture'\n", Terminal::svg, "f"), Error);
}

}  // namespace
}  // namespace stratoscope
