#include "stratoscope/figures/mark_style.h"

#include <algorithm>

namespace stratoscope {
namespace {

ColorMap category_map(const Figure& figure) { return figure.color ? figure.color->map : ColorMap::plasma; }

}  // namespace

DotStyle jittered_dots(const JitteredPoints& points, std::size_t shown) {
  const std::size_t count = shown / std::max<std::size_t>(points.columns.size(), 1);
  if (count > 2000) return {0.28, 0xa0};
  if (count > 300) return {0.36, 0x80};
  return {count > 80 ? 0.5 : 0.65, 0x58};
}

TrailStyle trail_style(const Trails& trails) {
  std::size_t count = 0;
  for (const Trail& trail : trails.trails) count += trail.x.size();
  if (count > 1000) return {{0.25, 0}, 0.5, 0xd0};
  return {{0.45, 0}, 1, trails.trails.size() > 20 ? 0xb0 : 0x80};
}

DotStyle point_dots(const Points& points) {
  const std::size_t count = points.x.size();
  if (count > 2000) return {0.28, 0xa0};
  return count > 200 ? DotStyle{0.45, 0x80} : DotStyle{0.8, 0x20};
}

Rgb line_color(const Panel& panel, std::size_t series, std::size_t series_count, Theme theme) {
  const bool over_points =
      series_count == 1 && std::any_of(panel.marks.begin(), panel.marks.end(),
                                       [](const Mark& mark) { return std::holds_alternative<JitteredPoints>(mark); });
  return over_points ? palette(theme).text : series_color(theme, series, series_count);
}

Rgb bar_color(const Figure& figure, const Bars& bars, std::size_t i, Theme theme) {
  if (!bars.color_by_category) return palette(theme).accent;
  return category_color(category_map(figure), theme, i, bars.values.size());
}

Rgb point_color(const Figure& figure, const JitteredPoints& points, std::size_t i, Theme theme) {
  if (!figure.color) return palette(theme).accent;
  return category_color(category_map(figure), theme, i, points.columns.size());
}

double bar_base(const AxisPlan& axis) {
  return axis.logarithmic ? axis.low : std::clamp(0.0, std::min(axis.low, axis.high), std::max(axis.low, axis.high));
}

}  // namespace stratoscope
