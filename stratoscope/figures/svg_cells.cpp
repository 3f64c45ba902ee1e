#include "stratoscope/figures/svg_cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "stratoscope/figures/png.h"
#include "stratoscope/figures/svg_elements.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMostSquares = 4000;  // of a figure: 160 kB
constexpr std::size_t kShades = 255;        // odd, so that a diverging map has its middle

double cell_value(const Heatmap& map, std::size_t row, std::size_t column) {
  return column < map.values[row].size() ? map.values[row][column] : std::numeric_limits<double>::quiet_NaN();
}

// Some cells lack a number, but not all: an empty plot says in words that it has none.
bool partly_missing(const Heatmap& map, std::size_t columns) {
  std::size_t finite = 0;
  for (const auto& row : map.values)
    finite +=
        static_cast<std::size_t>(std::count_if(row.begin(), row.end(), [](double v) { return std::isfinite(v); }));
  return finite > 0 && finite < map.values.size() * columns;
}

// Lines that rise to the right, over the whole box: cells with a colour cover them.
std::string hatching(const Box& box, Theme theme) {
  constexpr double kDistance = 6;  // pixels between two lines along a side
  ClippedPath path({box.left + 1, box.top + 1, box.width - 2, box.height - 2});
  const int count = static_cast<int>((box.width + box.height) / kDistance);
  for (int i = 1; i <= count; ++i) {
    const double x = box.left + i * kDistance;
    path.interrupt();
    path.line_to({x, box.top});
    path.line_to({x - box.height, box.bottom()});
  }
  return fmt::format(
      "<path data-part=\"missing\" d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-opacity=\"0.35\" "
      "stroke-width=\"0.8\"/>\n",
      path.commands(), hex(palette(theme).muted));
}

std::string squares(const Heatmap& map, std::size_t columns, const Box& box, const ColorScale& scale, Theme theme) {
  // One unit is one cell. Edges on whole pixels leave no gap between neighbours.
  std::string cells =
      fmt::format("<g transform=\"translate({} {}) scale({:.6g} {:.6g})\" shape-rendering=\"crispEdges\">\n",
                  coordinate(box.left), coordinate(box.top), box.width / static_cast<double>(columns),
                  box.height / static_cast<double>(map.values.size()));
  for (std::size_t row = 0; row < map.values.size(); ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      const double value = cell_value(map, row, column);
      if (!std::isfinite(value)) continue;
      cells +=
          fmt::format("<path fill=\"{}\" d=\"M{} {}h1v1h-1z\"/>\n", hex(scale_color(scale, theme, value)), column, row);
    }
  }
  return cells + "</g>\n";
}

std::string picture(const Heatmap& map, std::size_t columns, const Box& box, const ColorScale& scale, Theme theme) {
  IndexedPicture image{columns, map.values.size(), {}, {palette(theme).ground}};
  for (std::size_t i = 0; i < kShades; ++i) {
    const double t = static_cast<double>(i) / (kShades - 1);
    image.colors.push_back(scale_color(scale, theme, scale.low * (1 - t) + scale.high * t));
  }
  for (std::size_t row = 0; row < image.height; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      const double value = cell_value(map, row, column);
      const double t = std::clamp(scale_fraction(scale, value), 0.0, 1.0) * (kShades - 1);
      const auto shade = std::isfinite(value) ? 1 + std::lround(t) : 0;
      image.pixels.push_back(static_cast<std::uint8_t>(shade));
    }
  }
  // Cells smaller than a pixel are averaged; without that, some would not be seen.
  const bool enlarged = box.width >= static_cast<double>(columns) && box.height >= static_cast<double>(image.height);
  return fmt::format(
      "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\"{} xlink:href=\"{}\"/>\n",
      coordinate(box.left), coordinate(box.top), coordinate(box.width), coordinate(box.height),
      enlarged ? " style=\"image-rendering:pixelated\"" : "", png_uri(png(image)));
}

}  // namespace

CellForm cell_form(const Figure& figure) {
  return cell_count(figure) > kMostSquares ? CellForm::picture : CellForm::squares;
}

std::string svg_cells(const Heatmap& map, const Box& box, const ColorScale& scale, Theme theme, CellForm form) {
  const std::size_t columns = column_count(map);
  if (columns == 0) return "";
  return (partly_missing(map, columns) ? hatching(box, theme) : "") + (form == CellForm::squares
                                                                           ? squares(map, columns, box, scale, theme)
                                                                           : picture(map, columns, box, scale, theme));
}

}  // namespace stratoscope
