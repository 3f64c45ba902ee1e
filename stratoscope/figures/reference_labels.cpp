#include "stratoscope/figures/reference_labels.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "stratoscope/figures/text.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {
namespace {

using Point = std::pair<double, double>;  // pixels

constexpr double kHalfLine = 8;  // pixels from a label's middle to its upper and lower edge

Point place_of(const PanelPlan& plan, double x, double y) {
  return {plan.plot.left + plan.x.fraction(x) * plan.plot.width,
          plan.plot.bottom() - plan.y.fraction(y) * plan.plot.height};
}

void add_segment(std::vector<Point>& points, Point from, Point to) {
  const double length = std::hypot(to.first - from.first, to.second - from.second);
  const int steps = static_cast<int>(std::clamp(length / 4, 1.0, 500.0));
  for (int k = 0; k <= steps; ++k) {
    const double t = static_cast<double>(k) / steps;
    points.emplace_back(from.first + (to.first - from.first) * t, from.second + (to.second - from.second) * t);
  }
}

void add_points(std::vector<Point>& points, const PanelPlan& plan, const Line& line) {
  for (std::size_t i = 0; i < line.x.size(); ++i) {
    const Point here = place_of(plan, line.x[i], line.y[i]);
    if (!std::isfinite(here.first) || !std::isfinite(here.second)) continue;
    const Point before = i == 0 ? here : place_of(plan, line.x[i - 1], line.y[i - 1]);
    add_segment(points, std::isfinite(before.first) && std::isfinite(before.second) ? before : here, here);
  }
}

void add_points(std::vector<Point>& points, const PanelPlan& plan, const Bars& bars) {
  for (std::size_t i = 0; i < bars.values.size(); ++i) {
    const auto x = static_cast<double>(i);
    const double top = std::clamp(plan.y.fraction(bars.values[i]), 0.0, 1.0);
    if (!std::isfinite(top)) continue;
    const Point end{place_of(plan, x, bars.values[i]).first, plan.plot.bottom() - top * plan.plot.height};
    add_segment(points, {end.first, plan.plot.bottom()}, end);
  }
}

// Everything that a label should not cover, as points.
std::vector<Point> obstacles(const Panel& panel, const std::vector<Scatter>& scatters, const PanelPlan& plan) {
  std::vector<Point> points;
  for (std::size_t m = 0; m < panel.marks.size(); ++m) {
    if (const auto* line = std::get_if<Line>(&panel.marks[m])) add_points(points, plan, *line);
    if (const auto* bars = std::get_if<Bars>(&panel.marks[m])) add_points(points, plan, *bars);
    for (const auto& column : scatters[m].columns) {
      for (const auto& [x, y] : column) points.push_back(place_of(plan, x, y));
    }
  }
  return points;
}

std::size_t covered(const std::vector<Point>& points, double left, double right, double y) {
  return static_cast<std::size_t>(std::count_if(points.begin(), points.end(), [&](const Point& point) {
    return point.first >= left - 3 && point.first <= right + 3 && std::abs(point.second - y) <= kHalfLine;
  }));
}

}  // namespace

void place_reference_labels(const Panel& panel, const std::vector<Scatter>& scatters, PanelPlan& plan) {
  std::vector<Point> points = obstacles(panel, scatters, plan);
  const Box& plot = plan.plot;
  for (const Mark& mark : panel.marks) {
    const auto* reference = std::get_if<Reference>(&mark);
    if (reference == nullptr) continue;
    const std::string text = shorten(plain_text(reference->label), plot.width * 0.8, kTickSize);
    const double width = text_width(text, kTickSize);
    const double line = plot.bottom() - plan.y.fraction(reference->y) * plot.height;
    TextSpot best;
    std::size_t fewest = static_cast<std::size_t>(-1);
    for (const double along : {1.0, 0.0, 0.5, 0.75, 0.25}) {
      for (const double above : {-1.0, 1.0}) {
        const double left = plot.left + 6 + along * (plot.width - width - 10), y = line + above * (kHalfLine + 1);
        const bool outside = y - kHalfLine < plot.top - 4 || y + kHalfLine > plot.bottom();
        const std::size_t cost = covered(points, left, left + width, y) + (outside ? 1000 : 0);
        if (cost < fewest) {
          fewest = cost;
          best = {text, left, y};
        }
      }
    }
    // The next label keeps clear of this one and of its line.
    add_segment(points, {best.x, best.y}, {best.x + width, best.y});
    add_segment(points, {plot.left, line}, {plot.right(), line});
    plan.references.push_back(std::isfinite(line) ? best : TextSpot{});
  }
}

}  // namespace stratoscope
