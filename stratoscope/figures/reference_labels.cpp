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
constexpr double kLine = 14;     // the distance between labels below each other
constexpr double kGap = 7;       // between the plot and a label beside it
constexpr double kWidest = 220;  // of a label

Point place_of(const PanelPlan& plan, double x, double y) { return {plan.x_of(x), plan.y_of(y)}; }

void add_segment(std::vector<Point>& points, Point from, Point to) {
  const double across = to.first - from.first, down = to.second - from.second;
  const double length = std::sqrt(across * across + down * down);  // std::hypot needs glibc 2.35
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

// Points that a label should not cover.
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

std::string shown_label(const Reference& reference) { return shorten(plain_text(reference.label), kWidest, kTickSize); }

// Bars and clouds of points leave no room for a label; the margin belongs to the legend.
bool in_margin(const Panel& panel) {
  std::size_t named = 0;
  bool filled = false;
  for (const Mark& mark : panel.marks) {
    if (const auto* line = std::get_if<Line>(&mark)) named += !line->label.empty();
    filled |= std::holds_alternative<Bars>(mark) || std::holds_alternative<JitteredPoints>(mark);
  }
  return filled && named < 2;
}

// Level with its line, or as near as the previous labels in `taken` allow.
TextSpot beside_plot(const std::string& text, double line, const Box& plot, const std::vector<TextSpot>& taken) {
  const auto free = [&](double y) {
    return std::none_of(taken.begin(), taken.end(),
                        [&](const TextSpot& spot) { return !spot.text.empty() && std::abs(spot.y - y) < kLine; });
  };
  const double level = std::clamp(line, plot.top, plot.bottom());
  for (int step = 0;; ++step) {
    for (const double side : {-1.0, 1.0}) {
      const double y = level + side * step * kLine;
      if (free(y)) return {text, plot.right() + kGap, y};
    }
  }
}

// Above or below its line, where it covers the fewest of `points`.
TextSpot inside_plot(const std::string& text, double line, const Box& plot, const std::vector<Point>& points) {
  const double width = text_width(text, kTickSize);
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
  return best;
}

}  // namespace

double reference_margin(const Panel& panel) {
  double widest = 0;
  if (!in_margin(panel)) return widest;
  for (const Mark& mark : panel.marks) {
    const auto* reference = std::get_if<Reference>(&mark);
    if (reference != nullptr) widest = std::max(widest, kGap + text_width(shown_label(*reference), kTickSize));
  }
  return widest;
}

void place_reference_labels(const Panel& panel, const std::vector<Scatter>& scatters, PanelPlan& plan) {
  const bool margin = in_margin(panel);
  std::vector<Point> points = margin ? std::vector<Point>{} : obstacles(panel, scatters, plan);
  const Box& plot = plan.plot;
  for (const Mark& mark : panel.marks) {
    const auto* reference = std::get_if<Reference>(&mark);
    if (reference == nullptr) continue;
    const double line = plan.y_of(reference->y);
    const std::string text = shown_label(*reference);
    if (!std::isfinite(line)) {
      plan.references.emplace_back();
    } else if (margin) {
      plan.references.push_back(beside_plot(text, line, plot, plan.references));
    } else {
      const TextSpot spot = inside_plot(text, line, plot, points);
      // The next label avoids this one and its line.
      add_segment(points, {spot.x, spot.y}, {spot.x + text_width(text, kTickSize), spot.y});
      add_segment(points, {plot.left, line}, {plot.right(), line});
      plan.references.push_back(spot);
    }
  }
}

}  // namespace stratoscope
