#include "stratoscope/figures/svg_elements.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stratoscope/figures/text.h"

namespace stratoscope {
namespace {

constexpr double kMiddle = 0.35;  // of the font size, from the baseline up to the middle of capital letters

// Pixels. Differences of larger numbers lose the places inside of a plot.
constexpr double kFarthest = 1e9;

std::string coordinates(Place place) { return coordinate(place.x) + " " + coordinate(place.y); }

// Whether the spaces of a text are not shown as they are, unless the element says so.
bool has_spaces_to_keep(const std::string& text) {
  return text.starts_with(' ') || text.ends_with(' ') || text.find("  ") != std::string::npos;
}

}  // namespace

std::string coordinate(double pixels) { return fmt::format("{}", std::round(pixels * 100) / 100 + 0.0); }

std::string svg_text(const TextSpot& spot, double size, Rgb color, bool bold) {
  const bool far = !(std::abs(spot.x) < kFarthest && std::abs(spot.y) < kFarthest);  // a reference outside of its axis
  if (spot.text.empty() || far) return "";
  const double down = size * kMiddle;
  const std::string place =
      spot.upward
          ? fmt::format(R"-(transform="translate({} {}) rotate(-90)")-", coordinate(spot.x + down), coordinate(spot.y))
          : fmt::format(R"(x="{}" y="{}")", coordinate(spot.x), coordinate(spot.y + down));
  const char* anchor = spot.align == Align::center  ? R"( text-anchor="middle")"
                       : spot.align == Align::right ? R"( text-anchor="end")"
                                                    : "";
  return fmt::format(
      "<text {} font-size=\"{}\"{}{}{} fill=\"{}\">{}</text>\n", place, size, bold ? R"( font-weight="bold")" : "",
      anchor, has_spaces_to_keep(spot.text) ? R"( xml:space="preserve")" : "", hex(color), escape_html(spot.text));
}

bool clip_segment(const Box& box, Place& from, Place& to) {
  // The segment is from + t (to - from): each side of the box bounds t (Liang and Barsky, 1984).
  const double x = to.x - from.x, y = to.y - from.y;
  double first = 0, last = 1;
  const auto bound = [&](double toward, double room) {
    if (toward == 0) return room >= 0;
    if (toward < 0) first = std::max(first, room / toward);
    if (toward > 0) last = std::min(last, room / toward);
    return first <= last;
  };
  if (!bound(-x, from.x - box.left) || !bound(x, box.right() - from.x) || !bound(-y, from.y - box.top) ||
      !bound(y, box.bottom() - from.y))
    return false;
  const Place start = from;
  if (first > 0) from = {start.x + first * x, start.y + first * y};
  if (last < 1) to = {start.x + last * x, start.y + last * y};
  return true;
}

void ClippedPath::line_to(Place place) {
  if (!std::isfinite(place.x) || !std::isfinite(place.y)) return interrupt();
  place = {std::clamp(place.x, -kFarthest, kFarthest), std::clamp(place.y, -kFarthest, kFarthest)};
  Place from = last_, to = place;
  if (drawing_ && clip_segment(box_, from, to)) {
    const std::string start = coordinates(from), end = coordinates(to);
    if (start != end_) commands_ += "M" + start;
    commands_ += "L" + end;
    end_ = end;
  }
  if (!drawing_) end_.clear();
  drawing_ = true;
  last_ = place;
}

}  // namespace stratoscope
