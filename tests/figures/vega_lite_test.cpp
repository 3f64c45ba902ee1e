#include "stratoscope/figures/vega_lite.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "stratoscope/figures/scatter.h"
#include "tests/figures/sample_figures.h"

namespace stratoscope {
namespace {

using Json = nlohmann::json;

Json parsed(const Figure& figure, Theme theme = Theme::light) { return Json::parse(vega_lite(figure, theme)); }

TEST(VegaLite, IsAVersionFiveSpecificationWithOneViewPerPanel) {
  for (const Figure& figure : sample::all()) {
    const Json spec = parsed(figure);
    EXPECT_EQ(spec["$schema"], "https://vega.github.io/schema/vega-lite/v5.json");
    EXPECT_EQ(spec["concat"].size(), figure.panels.size());
    EXPECT_EQ(spec["title"]["text"], figure.title);
  }
}

TEST(VegaLite, IsTheSameByteForByte) {
  for (const Figure& figure : sample::all()) EXPECT_EQ(vega_lite(figure, Theme::dark), vega_lite(figure, Theme::dark));
}

TEST(VegaLite, CarriesThePointsThatTheStaticFigureDraws) {
  const Figure figure = sample::activations();
  const Scatters drawn = scatter(figure);
  const Json values = parsed(figure)["concat"][0]["layer"][0]["data"]["values"];
  std::size_t k = 0;
  for (std::size_t i = 0; i < drawn.panels[0][0].columns.size(); ++i) {
    for (const auto& [x, y] : drawn.panels[0][0].columns[i]) {
      EXPECT_EQ(values[k]["i"], i);
      EXPECT_NEAR(values[k]["x"].get<double>(), x, 1e-4);
      EXPECT_EQ(values[k++]["y"].get<double>(), y);
    }
  }
  EXPECT_EQ(values.size(), k);
}

TEST(VegaLite, CarriesCellsBarsAndLinesExactly) {
  const Json cells = parsed(sample::similarities())["concat"][1]["layer"][0]["data"]["values"];
  ASSERT_EQ(cells.size(), 3U) << "an object per row";
  EXPECT_EQ(cells[1], (Json{{"y", 1}, {"values", {0.625, 1.0, nullptr}}})) << "the missing cell is null";
  const Json bars = parsed(sample::predictions())["concat"][0]["layer"][0]["data"]["values"];
  EXPECT_EQ(bars[2], (Json{{"i", 2}, {"value", 0.125}}));
  const Json line = parsed(sample::lines())["concat"][0]["layer"][2]["data"]["values"];
  EXPECT_EQ(line[0], (Json{{"x", 0.0}, {"y", -9.5}}));
  EXPECT_TRUE(line[1]["y"].is_null());
}

TEST(VegaLite, TakesRowsOfCellsApartIntoColumns) {
  const Json transforms = parsed(sample::similarities())["concat"][0]["layer"][0]["transform"];
  EXPECT_EQ(transforms[0], (Json{{"calculate", "sequence(length(datum.values))"}, {"as", "x"}}));
  EXPECT_EQ(transforms[1], (Json{{"flatten", {"x", "values"}}, {"as", {"x", "value"}}}));
  EXPECT_EQ(transforms[2], (Json{{"filter", "isValid(datum.value)"}}));
}

TEST(VegaLite, SpendsFewBytesOnACell) {
  const std::string text = vega_lite(sample::large_heat_maps(), Theme::light);
  EXPECT_LT(text.size(), 4U * 490 * 490 * 12);
  const Json row = Json::parse(text)["concat"][3]["layer"][0]["data"]["values"][489]["values"];
  const auto drawn = std::get<Heatmap>(sample::large_heat_maps().panels[3].marks[0]).values[489];
  for (std::size_t c = 0; c < drawn.size(); ++c) EXPECT_NEAR(row[c].get<double>(), drawn[c], drawn[c] * 1e-6);
}

TEST(VegaLite, HasTheThemeAndTheColoursOfTheStaticForm) {
  const Json spec = parsed(sample::similarities(), Theme::dark);
  EXPECT_EQ(spec["background"], "#383838");
  EXPECT_EQ(spec["config"]["axis"]["labelColor"], "#dde2f4");
  const Json scale = spec["concat"][0]["layer"][0]["encoding"]["color"]["scale"];
  EXPECT_EQ(scale["range"].front(), "#0d0887");
  EXPECT_EQ(scale["domain"].front(), 0.5);
  EXPECT_EQ(scale["domain"].size(), scale["range"].size());
  EXPECT_EQ(spec["resolve"]["scale"]["color"], "shared");
}

TEST(VegaLite, LooksLabelsUpInsteadOfWritingThemIntoExpressions) {
  Figure figure = sample::similarities();
  const std::string nasty = "'] + alert(1) + ['";
  figure.panels[0].x.ticks[0] = nasty;
  const std::string text = vega_lite(figure, Theme::light);
  EXPECT_EQ(sample::count(text, "alert(1)"), 1U) << "once, as a parameter's value";
  const Json spec = Json::parse(text);
  EXPECT_EQ(spec["params"][0]["value"][0], nasty);
  EXPECT_EQ(spec["concat"][0]["layer"][0]["encoding"]["x"]["axis"]["labelExpr"], "labels_1_x[datum.value]");
}

TEST(VegaLite, SaysWhyAPanelIsBlank) {
  Figure figure = sample::predictions();
  figure.panels[0].marks = {Bars{{NAN, NAN, NAN}, true}};
  const Json layers = parsed(figure)["concat"][0]["layer"];
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[1]["mark"]["type"], "text");
  EXPECT_EQ(layers[1]["data"]["values"], (Json::array({Json{{"label", "no finite number"}}})));
}

TEST(VegaLite, TakesAnyText) {
  Figure figure = sample::predictions();
  const auto texts = sample::nasty_texts("/nonexistent");
  figure.title = figure.caption = "\xff\xfe broken \x01";
  figure.panels[0].y.ticks = texts;
  figure.panels[0].marks = {Bars{std::vector<double>(texts.size(), 1.0), true}};
  EXPECT_EQ(parsed(figure)["params"][0]["value"].size(), texts.size());
}

TEST(VegaLite, SaysInItsDescriptionWhatWasSampled) {
  const Json spec = parsed(sample::activations(13, 5000));
  EXPECT_NE(spec["description"].get<std::string>().find("50,000 of 65,000 points"), std::string::npos);
  EXPECT_EQ(spec["concat"][0]["layer"][0]["data"]["values"].size(), 50'000U);
}

}  // namespace
}  // namespace stratoscope
