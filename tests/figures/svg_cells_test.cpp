// Heat maps in an svg: squares with their exact colours, and pictures read back pixel by pixel.
#include "stratoscope/figures/svg_cells.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstdlib>

#include "stratoscope/figures/png.h"
#include "stratoscope/figures/svg.h"
#include "tests/figures/sample_figures.h"
#include "tests/figures/xml_reader.h"

namespace stratoscope {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Figure one_map(std::vector<std::vector<double>> values, ColorMap map = ColorMap::plasma) {
  Figure figure;
  figure.color = ColorScale{map, "", -1, 1, false};
  figure.panels.push_back({"", {}, {}, {Heatmap{std::move(values)}}});
  return figure;
}

// The colours of the squares by row and column, empty where there is none.
std::vector<std::vector<std::string>> square_colors(const std::string& svg, std::size_t rows, std::size_t columns) {
  std::vector<std::vector<std::string>> colors(rows, std::vector<std::string>(columns));
  const sample::Element root = sample::read_xml(svg);
  for (const sample::Element* path : sample::elements(root, "path")) {
    std::size_t row = 0, column = 0;
    int end = 0;
    const std::string& d = path->attributes.at("d");
    if (std::sscanf(d.c_str(), "M%zu %zuh1v1h-1z%n", &column, &row, &end) != 2 || end != static_cast<int>(d.size()))
      continue;
    EXPECT_EQ(colors.at(row).at(column), "") << "a cell twice";
    colors[row][column] = path->attributes.at("fill");
  }
  return colors;
}

TEST(SvgCells, EveryCellHasItsColourAndEveryMissingOneNone) {
  const std::vector<std::vector<double>> values = {
      {-1, -0.5, 0, 0.25}, {kNone, 0.1, 7, -7}, {0.9, HUGE_VAL}, {-0.0, 1e-300, -HUGE_VAL, 1}};
  for (const ColorMap map : {ColorMap::plasma, ColorMap::viridis, ColorMap::diverging}) {
    for (const Theme theme : {Theme::light, Theme::dark}) {
      const auto colors = square_colors(svg_figure(one_map(values, map), theme), 4, 4);
      for (std::size_t row = 0; row < 4; ++row) {
        for (std::size_t column = 0; column < 4; ++column) {
          const double value = column < values[row].size() ? values[row][column] : kNone;
          const std::string color = std::isfinite(value) ? hex(color_at(map, theme, (value + 1) / 2)) : "";
          EXPECT_EQ(colors[row][column], color) << row << ' ' << column;
        }
      }
    }
  }
}

TEST(SvgCells, FillTheirPlot) {
  const Figure figure = one_map({{0, 1, 0}, {1, 0, 1}});
  const Box plot = lay_out(figure).panels[0].plot;
  const sample::Element root = sample::read_xml(svg_figure(figure, Theme::light));
  double left = 0, top = 0, width = 0, height = 0;
  for (const sample::Element* group : sample::elements(root, "g"))
    if (group->attributes.contains("transform"))
      std::sscanf(group->attributes.at("transform").c_str(), "translate(%lf %lf) scale(%lf %lf)", &left, &top, &width,
                  &height);
  EXPECT_NEAR(left, plot.left, 0.01);
  EXPECT_NEAR(top, plot.top, 0.01);
  EXPECT_NEAR(width * 3, plot.width, 0.01);
  EXPECT_NEAR(height * 2, plot.height, 0.01);
}

TEST(SvgCells, MissingCellsShowAHatching) {
  const std::string hatching = "data-part=\"missing\"";
  EXPECT_EQ(sample::count(svg_figure(one_map({{0, 1}, {1, 0}}), Theme::light), hatching), 0U);
  EXPECT_EQ(sample::count(svg_figure(one_map({{0, 1}, {kNone, 0}}), Theme::light), hatching), 1U);
  EXPECT_EQ(sample::count(svg_figure(one_map({{0, 1}, {1}}), Theme::light), hatching), 1U) << "a short row";
  EXPECT_EQ(sample::count(svg_figure(one_map({{HUGE_VAL, 0}}), Theme::light), hatching), 1U);
  EXPECT_EQ(sample::count(svg_figure(one_map({{HUGE_VAL}}), Theme::light), hatching), 0U) << "no finite number";
}

TEST(SvgCells, TheColourBarRunsFromTheHighestColourDown) {
  Figure figure = one_map({{0}});
  figure.color->show_bar = true;
  figure.panels[0].marks.clear();
  const auto colors = square_colors(svg_figure(figure, Theme::dark), 128, 1);
  for (std::size_t i = 0; i < 128; ++i)
    EXPECT_EQ(colors[i][0], hex(color_at(ColorMap::plasma, Theme::dark, 1 - (static_cast<double>(i) + 0.5) / 128)));
}

std::string from_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<std::uint32_t>(digits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

std::uint32_t word(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return value;
}

struct Pixels {
  std::size_t width = 0, height = 0;
  std::string colors, clear, rows;  // as in the chunks PLTE, tRNS and, unpacked, IDAT
  std::size_t index(std::size_t row, std::size_t column) const {
    return static_cast<unsigned char>(rows.at(row * (width + 1) + 1 + column));
  }
  Rgb color(std::size_t i) const {
    const auto channel = [&](std::size_t k) { return static_cast<std::uint8_t>(colors.at(3 * i + k)); };
    return {channel(0), channel(1), channel(2)};
  }
};

// Reads a PNG of one byte per pixel, with every checksum.
Pixels unpacked(const std::string& file) {
  EXPECT_TRUE(file.starts_with("\x89PNG\r\n\x1a\n"));
  Pixels pixels;
  std::string last;
  for (std::size_t at = 8; at < file.size();) {
    const std::size_t size = word(file, at);
    const std::string checked = file.substr(at + 4, size + 4), data = checked.substr(4);
    EXPECT_EQ(word(file, at + 8 + size),
              crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size())));
    last = checked.substr(0, 4);
    if (last == "IHDR") {
      pixels.width = word(data, 0), pixels.height = word(data, 4);
      EXPECT_EQ(data.substr(8), std::string("\x08\x03\0\0\0", 5));
    }
    if (last == "PLTE") pixels.colors = data;
    if (last == "tRNS") pixels.clear = data;
    if (last == "IDAT") {
      uLongf room = static_cast<uLongf>((pixels.width + 1) * pixels.height);
      pixels.rows.resize(room);
      EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(pixels.rows.data()), &room,
                           reinterpret_cast<const Bytef*>(data.data()), static_cast<uLong>(data.size())),
                Z_OK);
      EXPECT_EQ(room, pixels.rows.size());
    }
    at += 12 + size;
  }
  EXPECT_EQ(last, "IEND");
  return pixels;
}

TEST(SvgCells, ManyAreOnePictureOfTheSameColours) {
  std::vector<std::vector<double>> values(70, std::vector<double>(90));
  for (std::size_t row = 0; row < 70; ++row)
    for (std::size_t column = 0; column < 90; ++column)
      values[row][column] = 1.3 * std::sin(static_cast<double>(row * row + 3 * column));
  values[3][4] = kNone, values[69][89] = HUGE_VAL;
  values[7].resize(80);
  for (const ColorMap map : {ColorMap::plasma, ColorMap::diverging}) {
    const sample::Element root = sample::read_xml(svg_figure(one_map(values, map), Theme::dark));
    const auto images = sample::elements(root, "image");
    ASSERT_EQ(images.size(), 1U);
    EXPECT_TRUE(images[0]->has("style", "image-rendering:pixelated"));
    EXPECT_TRUE(images[0]->has("preserveAspectRatio", "none"));
    const std::string uri = images[0]->attributes.at("xlink:href"), head = "data:image/png;base64,";
    ASSERT_TRUE(uri.starts_with(head));
    const Pixels pixels = unpacked(from_base64(uri.substr(head.size())));
    ASSERT_EQ(pixels.width, 90U);
    ASSERT_EQ(pixels.height, 70U);
    EXPECT_EQ(pixels.clear, std::string(1, '\0')) << "the first colour alone is transparent";
    for (std::size_t row = 0; row < 70; ++row) {
      EXPECT_EQ(pixels.rows[row * 91], 0) << "no filter";
      for (std::size_t column = 0; column < 90; ++column) {
        const bool missing = column >= values[row].size() || !std::isfinite(values[row][column]);
        ASSERT_EQ(pixels.index(row, column) == 0, missing) << row << ' ' << column;
        if (missing) continue;
        const Rgb expected = color_at(map, Theme::dark, (values[row][column] + 1) / 2);
        const Rgb actual = pixels.color(pixels.index(row, column));
        EXPECT_LE(std::abs(expected.red - actual.red), 3);
        EXPECT_LE(std::abs(expected.green - actual.green), 3);
        EXPECT_LE(std::abs(expected.blue - actual.blue), 3);
      }
    }
  }
}

TEST(SvgCells, APictureThatIsMadeSmallerIsSmoothed) {
  const std::vector<std::vector<double>> wide(5, std::vector<double>(1500, 0.5));
  const std::string svg = svg_figure(one_map(wide), Theme::light);
  EXPECT_EQ(sample::count(svg, "<image "), 1U);
  EXPECT_EQ(sample::count(svg, "pixelated"), 0U);
}

TEST(SvgCells, OfSeveralPanelsAreCountedTogether) {
  Figure figure = one_map(std::vector<std::vector<double>>(50, std::vector<double>(50, 0.0)));
  EXPECT_EQ(cell_form(figure), CellForm::squares);
  figure.panels.push_back(figure.panels[0]);
  EXPECT_EQ(cell_form(figure), CellForm::picture);
}

TEST(PngUri, IsBase64WithPadding) {
  const std::string head = "data:image/png;base64,";
  EXPECT_EQ(png_uri(""), head);
  EXPECT_EQ(png_uri("f"), head + "Zg==");
  EXPECT_EQ(png_uri("fo"), head + "Zm8=");
  EXPECT_EQ(png_uri("foobar"), head + "Zm9vYmFy");
  EXPECT_EQ(png_uri("\xff\xfe\x80"), head + "//6A");
}

}  // namespace
}  // namespace stratoscope
