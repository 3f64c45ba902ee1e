// The look of marks, the same in every drawn picture.
#pragma once

#include <cstddef>

#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

// Widths of lines in CSS pixels.
inline constexpr double kLineWidth = 1.8, kLegendLineWidth = 2, kReferenceWidth = 1.2;
// Half of a bar's width, where neighbours are 1 apart.
inline constexpr double kHalfBar = 0.38;
// A legend's sample of a line, in pixels left of its label.
inline constexpr double kSampleStart = 26, kSampleEnd = 6;
// The number of bands of a colour bar.
inline constexpr std::size_t kBarBands = 128;

// `size` is in units of kDotRadius pixels; `clear` runs from 0 (opaque) to 255 (invisible).
struct DotStyle {
  double size = 0;
  int clear = 0;
};
inline constexpr double kDotRadius = 4.125;  // gnuplot's point of size 1 in an svg
inline constexpr DotStyle kMarker{0.6, 0};   // on lines

// Few points are large and nearly opaque, many are small and transparent; `shown` counts those of the whole figure.
DotStyle jittered_dots(const JitteredPoints& points, std::size_t shown);

struct TrailStyle {
  DotStyle dots;
  double line_width = 0;
  int line_clear = 0;  // as DotStyle::clear
};
TrailStyle trail_style(const Trails& trails);
DotStyle point_dots(const Points& points);

// The colour of Line `series` (counted from 0) of a panel: a single line over points contrasts with them.
Rgb line_color(const Panel& panel, std::size_t series, std::size_t series_count, Theme theme);

// The colour of bar i, and of the points of category i.
Rgb bar_color(const Figure& figure, const Bars& bars, std::size_t i, Theme theme);
Rgb point_color(const Figure& figure, const JitteredPoints& points, std::size_t i, Theme theme);

// The value at which bars begin: zero, or the end of the axis that is next to it.
double bar_base(const AxisPlan& axis);

}  // namespace stratoscope
