#include "stratoscope/figures/html.h"

#include <gtest/gtest.h>

#include <set>

#include "stratoscope/figures/inline_svg.h"
#include "tests/figures/sample_figures.h"

namespace stratoscope {
namespace {

// The texts between each `key` and the quotation mark after it.
std::set<std::string> values_of(const std::string& svg, const std::string& key) {
  std::set<std::string> found;
  for (std::size_t at = svg.find(key); at != std::string::npos; at = svg.find(key, at + 1)) {
    const std::size_t begin = at + key.size();
    found.insert(svg.substr(begin, svg.find_first_of("'\"", begin) - begin));
  }
  return found;
}

std::set<std::string> ids(const std::string& svg) {
  std::set<std::string> found = values_of(svg, " id='");
  found.merge(values_of(svg, " id=\""));
  return found;
}

TEST(RenderSvg, IsAnElementNamedAfterTheFigure) {
  const std::string svg = render_svg(sample::activations(), Theme::light);
  EXPECT_TRUE(svg.starts_with("<svg"));
  EXPECT_NE(svg.find("<title>Activations of “ cute”</title>"), std::string::npos);
  EXPECT_EQ(sample::count(svg, "<title>"), 1U);
  EXPECT_EQ(sample::count(svg, "<circle cx="), 200U) << "one disc per point";
  EXPECT_EQ(sample::count(svg, "<g "), sample::count(svg, "</g>"));
}

TEST(RenderSvg, TwoFiguresShareNoId) {
  const auto one = ids(render_svg(sample::activations(), Theme::light)),
             two = ids(render_svg(sample::lines(), Theme::light));
  ASSERT_FALSE(one.empty());
  for (const std::string& id : one) EXPECT_EQ(two.count(id), 0U) << id;
}

TEST(RenderSvg, EveryReferenceHasItsId) {
  const std::string svg = render_svg(sample::lines(), Theme::light);
  const auto known = ids(svg);
  const auto used = values_of(svg, "href='#");
  EXPECT_FALSE(used.empty());
  for (const std::string& id : used) EXPECT_EQ(known.count(id), 1U) << id;
}

TEST(InlineSvg, ShortensCellsAndSharpensBitmaps) {
  const std::string svg = inline_svg(
      "<?xml?>\n<svg >\n\t<polygon fill = 'rgb( 13,   8, 135)' points = '1.00,4.50 3.00,4.50 3.00,2.00 1.00,2.00 "
      "'/>\n<image x='1'/>\n</svg>",
      "a<b", "p_");
  EXPECT_NE(svg.find("<path fill=\"#0d0887\" d=\"M1 4.5H3V2H1z\"/>"), std::string::npos);
  EXPECT_NE(svg.find("image-rendering:pixelated"), std::string::npos);
  EXPECT_NE(svg.find("<title>a&lt;b</title>"), std::string::npos);
}

TEST(HtmlPage, IsSelfContainedWithoutScript) {
  Figure figure = sample::similarities();
  figure.title = "</title><script>alert(1)</script>";
  figure.caption = "a < b & c";
  figure.panels[0].x.ticks[0] = "<img src=x onerror=alert(1)>";
  const std::string page = html_page(figure, Theme::dark);
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find("<link"), std::string::npos);
  EXPECT_EQ(sample::count(page, "http"), 2U) << "the two XML namespaces of the svg alone";
  EXPECT_NE(page.find("<figcaption>a &lt; b &amp; c</figcaption>"), std::string::npos);
  EXPECT_NE(page.find("<details>"), std::string::npos);
  EXPECT_NE(page.find("<td>0.625</td>"), std::string::npos);
  EXPECT_NE(page.find("background:#383838"), std::string::npos);
}

TEST(HtmlNumbers, ListsEveryMarkAndFallsBackToCsvForMany) {
  const std::string few = html_numbers(sample::lines());
  EXPECT_NE(few.find("<th>L3</th><td>-10</td>"), std::string::npos);
  EXPECT_NE(few.find("<th>clean</th><td>-9.125</td>"), std::string::npos);
  EXPECT_TRUE(html_numbers(sample::activations(13, 768)).starts_with("<pre>panel,series,x,y,value"));
}

TEST(HtmlNumbers, SaysWhereToGetMoreThanAPageShouldCarry) {
  EXPECT_TRUE(html_numbers(sample::activations(10, 1999)).starts_with("<pre>")) << "19,990 points and 10 bars";
  const std::string many = html_numbers(sample::activations(11, 2000));
  EXPECT_TRUE(many.starts_with("<p>22,011 numbers "));
  EXPECT_NE(many.find("--json"), std::string::npos);
  EXPECT_LT(many.size(), 300U);
}

TEST(HtmlPage, OfLargeHeatMapsStaysSmall) {
  EXPECT_LT(html_page(sample::large_heat_maps(), Theme::light).size(), 3'000'000U);
}

}  // namespace
}  // namespace stratoscope
