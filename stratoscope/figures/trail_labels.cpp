#include "stratoscope/figures/trail_labels.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/figures/text.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMost = 40;
constexpr double kWidest = 110, kHalfLine = 6, kGap = 6;

struct End {
  std::string text;
  double x = 0, y = 0;  // pixels
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

}  // namespace

void place_trail_labels(const Panel& panel, PanelPlan& plan) {
  std::vector<End> ends = ends_of(panel, plan);
  std::stable_sort(ends.begin(), ends.end(), [](const End& a, const End& b) { return a.from_middle > b.from_middle; });
  std::vector<Box> taken;
  taken.reserve(ends.size());
  for (const End& end : ends) taken.push_back({end.x - 2, end.y - 2, 4, 4});
  for (std::size_t i = 0; i < ends.size() && plan.trail_labels.size() < kMost; ++i) {
    const End& end = ends[i];
    const double width = text_width(end.text, kNoteSize);
    for (const bool to_right : {true, false}) {
      const Box box{to_right ? end.x + kGap : end.x - kGap - width, end.y - kHalfLine, width, 2 * kHalfLine};
      const bool inside = box.left >= plan.plot.left && box.right() <= plan.plot.right() + kTrailMargin;
      const bool free = std::all_of(taken.begin(), taken.end(), [&](const Box& other) { return apart(box, other); });
      if (!inside || !free) continue;
      plan.trail_labels.push_back(
          {end.text, to_right ? box.left : box.right(), end.y, to_right ? Align::left : Align::right});
      taken.push_back(box);
      break;
    }
  }
}

}  // namespace stratoscope
