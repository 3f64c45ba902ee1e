#include "stratoscope/figures/trail_labels.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/figures/text.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMostTrails = 40, kMostPointNames = 150;
constexpr double kWidest = 110, kHalfLine = 6, kGap = 6;

struct End {
  std::string text;
  double x = 0, y = 0;    // pixels
  bool is_point = false;  // its name may also stand above or below
  double from_middle = 0;
};

std::vector<End> ends_of(const Panel& panel, const PanelPlan& plan) {
  std::vector<End> ends;
  for (const Mark& mark : panel.marks) {
    const auto* trails = std::get_if<Trails>(&mark);
    if (trails == nullptr) continue;
    for (const Trail& trail : trails->trails) {
      if (trail.x.empty() || trail.label.empty()) continue;
      const double x = plan.x_of(trail.x.back()), y = plan.y_of(trail.y.back());
      if (std::isfinite(x) && std::isfinite(y))
        ends.push_back({shorten(plain_text(trail.label), kWidest, kNoteSize), x, y});
    }
  }
  for (const Mark& mark : panel.marks) {
    const auto* points = std::get_if<Points>(&mark);
    if (points == nullptr) continue;
    for (std::size_t i = 0; i < points->labels.size(); ++i) {
      const double x = plan.x_of(points->x[i]), y = plan.y_of(points->y[i]);
      if (std::isfinite(x) && std::isfinite(y))
        ends.push_back({shorten(plain_text(points->labels[i]), kWidest, kNoteSize), x, y, true});
    }
  }
  double x = 0, y = 0;
  for (const End& end : ends) {
    x += end.x / static_cast<double>(ends.size());
    y += end.y / static_cast<double>(ends.size());
  }
  // std::hypot needs glibc 2.35
  for (End& end : ends) end.from_middle = std::sqrt((end.x - x) * (end.x - x) + (end.y - y) * (end.y - y));
  return ends;
}

bool apart(const Box& a, const Box& b) {
  return a.right() < b.left || b.right() < a.left || a.bottom() < b.top || b.bottom() < a.top;
}

// The places where its name may stand, the preferred one first.
std::vector<TextSpot> spots_of(const End& end) {
  std::vector<TextSpot> spots = {{end.text, end.x + kGap, end.y, Align::left},
                                 {end.text, end.x - kGap, end.y, Align::right}};
  if (end.is_point)
    for (const Align align : {Align::center, Align::left, Align::right})
      for (const double side : {-1.0, 1.0})
        spots.push_back({end.text, end.x, end.y + side * (kGap + kHalfLine), align});
  return spots;
}

Box box_of(const TextSpot& spot) {
  const double width = text_width(spot.text, kNoteSize);
  const double before = spot.align == Align::left ? 0 : spot.align == Align::right ? width : width / 2;
  return {spot.x - before, spot.y - kHalfLine, width, 2 * kHalfLine};
}

}  // namespace

void place_trail_labels(const Panel& panel, PanelPlan& plan) {
  std::vector<End> ends = ends_of(panel, plan);
  std::stable_sort(ends.begin(), ends.end(), [](const End& a, const End& b) { return a.from_middle > b.from_middle; });
  std::vector<Box> taken;
  taken.reserve(ends.size());
  for (const End& end : ends) taken.push_back({end.x - 2, end.y - 2, 4, 4});
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const End& end = ends[i];
    if (plan.trail_labels.size() >= (end.is_point ? kMostPointNames : kMostTrails)) break;
    for (const TextSpot& spot : spots_of(end)) {
      const Box box = box_of(spot);
      const bool inside = box.left >= plan.plot.left && box.right() <= plan.plot.right() + kTrailMargin &&
                          box.top >= plan.plot.top - kHalfLine && box.bottom() <= plan.plot.bottom() + kHalfLine;
      const bool free = std::all_of(taken.begin(), taken.end(), [&](const Box& other) { return apart(box, other); });
      if (!inside || !free) continue;
      plan.trail_labels.push_back(spot);
      taken.push_back(box);
      break;
    }
  }
}

}  // namespace stratoscope
