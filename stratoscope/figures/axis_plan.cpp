#include "stratoscope/figures/axis_plan.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <tuple>

#include "stratoscope/figures/number_text.h"
#include "stratoscope/figures/text.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {
namespace {

constexpr double kLongestLabel = 110;  // pixels
constexpr double kLineHeight = 1.2;    // of the font size
constexpr double kLargest = 1e300;     // beyond it differences overflow

double widest(const std::vector<Tick>& ticks) {
  double width = 0;
  for (const Tick& tick : ticks) width = std::max(width, text_width(tick.label, kTickSize));
  return width;
}

std::string round_number(double value, int decimals, double step) {
  return std::abs(value) >= 1e6 || step < 1e-5 ? brief(value) : fixed(value, decimals);
}

// Powers of ten inside the range; with fewer than three of them also their multiples by 2 and 5.
std::vector<Tick> logarithmic_ticks(double low, double high, std::size_t most) {
  const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  const bool dense = last - first < 2;
  const int stride = std::max(1, (last - first + static_cast<int>(most)) / static_cast<int>(most));
  std::vector<Tick> ticks;
  for (int exponent = dense ? first - 1 : first; exponent <= last; exponent += stride) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10.0, exponent);
      if (value < low || value > high || (factor != 1.0 && !dense)) continue;
      const bool plain = exponent >= -3 && exponent <= 4;
      const std::string power = (factor == 1.0 ? "" : brief(factor) + "·") + power_of_ten(exponent);
      ticks.push_back({value, plain ? fixed(value, std::max(0, -exponent)) : power});
    }
  }
  return ticks;
}

std::vector<Tick> round_ticks(double low, double high, std::size_t most) {
  const double raw = (high - low) / static_cast<double>(most);
  if (!(raw > 0) || !std::isfinite(raw)) return {};
  const double unit = std::pow(10.0, std::floor(std::log10(raw)));
  const double step = unit * (raw <= unit ? 1 : raw <= 2 * unit ? 2 : raw <= 5 * unit ? 5 : 10);
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  std::vector<Tick> ticks;
  const double slack = step * 1e-9;
  const double first = std::ceil((low - slack) / step);
  for (int i = 0; (first + i) * step <= high + slack && i < 100; ++i) {
    const double value = (first + i) * step;
    ticks.push_back({value == 0 ? 0 : value, round_number(value, decimals, step)});
  }
  return ticks;
}

// The smallest of 1, 2, 5, 10, 20, 50, … that is at least `stride`, so that the shown indices are round.
std::size_t round_stride(std::size_t stride) {
  for (std::size_t unit = 1;; unit *= 10) {
    for (const std::size_t factor : {1, 2, 5}) {
      if (factor * unit >= stride) return factor * unit;
    }
  }
}

std::pair<double, double> padded(double low, double high, bool from_zero) {
  if (from_zero) low = std::min(low, 0.0), high = std::max(high, 0.0);
  constexpr double kNothing = 1e-290;  // smaller differences are lost in the arithmetic of ticks
  constexpr double kWritten = 1e-6;    // of the larger: smaller differences are not visible in the written digits
  if (!(high - low > std::max(kNothing, kWritten * std::max(std::abs(low), std::abs(high))))) {
    const double half = std::abs(low) < kNothing ? 0.5 : std::abs(low) * 0.1;
    return {low - half, high + half};
  }
  const double margin = (high - low) * 0.06;
  return {from_zero && low == 0 ? 0 : low - margin, from_zero && high == 0 ? 0 : high + margin};
}

}  // namespace

double AxisPlan::fraction(double value) const {
  if (!logarithmic) return (value - low) / (high - low);
  return (std::log(value) - std::log(low)) / (std::log(high) - std::log(low));
}

AxisPlan category_axis(const std::vector<std::string>& labels, std::size_t count, Side side, double pixels) {
  AxisPlan plan;
  plan.low = -0.5;
  plan.high = static_cast<double>(std::max<std::size_t>(count, 1)) - 0.5;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string label = labels.empty() ? std::to_string(i) : i < labels.size() ? plain_text(labels[i]) : "";
    plan.ticks.push_back({static_cast<double>(i), shorten(label, kLongestLabel, kTickSize)});
  }
  const double spacing = pixels / static_cast<double>(std::max<std::size_t>(count, 1));
  const double width = widest(plan.ticks), line = kTickSize * kLineHeight;
  // Short labels stay horizontal and are thinned; long ones are rotated before any is omitted.
  plan.rotated = side == Side::x && width + 4 > spacing && width > 3.6 * kTickSize;
  const double needed = side == Side::x && !plan.rotated ? width + 4 : line;
  auto stride = static_cast<std::size_t>(std::max(1.0, std::ceil(needed / spacing - 1e-9)));
  if (labels.empty()) stride = round_stride(stride);
  std::vector<Tick> kept;
  for (std::size_t i = 0; i < count; i += stride) kept.push_back(std::move(plan.ticks[i]));
  plan.ticks = std::move(kept);
  plan.label_extent = side == Side::y || plan.rotated ? widest(plan.ticks) : line;
  return plan;
}

bool has_number_cells(const Axis& axis) {
  return axis.ticks.empty() && !axis.logarithmic && axis.range && axis.range->first != axis.range->second &&
         std::isfinite(axis.range->second - axis.range->first);
}

AxisPlan cell_axis(const Axis& axis, std::size_t count, Side side, double pixels) {
  AxisPlan plan = numeric_axis(axis, {}, false, pixels, side);
  const auto [low, high] = *axis.range;
  for (Tick& tick : plan.ticks) {
    const double share = side == Side::x ? tick.position - low : high - tick.position;
    tick.position = share / (high - low) * static_cast<double>(count) - 0.5;
  }
  plan.low = -0.5;
  plan.high = static_cast<double>(count) - 0.5;
  return plan;
}

double cell_middle(const Axis& axis, std::size_t count, std::size_t i, Side side) {
  const auto [low, high] = *axis.range;
  const double share = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
  return side == Side::x ? low + share * (high - low) : high - share * (high - low);
}

std::vector<Tick> linear_ticks(double low, double high, std::size_t most) {
  std::vector<Tick> ticks;
  // If fewer than three round numbers fit at the preferred distance, ticks may be closer together.
  for (most = std::max<std::size_t>(most, 2); ticks.size() < 3 && most < 8; ++most)
    ticks = round_ticks(low, high, most);
  return ticks.empty() ? round_ticks(low, high, most) : ticks;
}

AxisPlan numeric_axis(const Axis& axis, const std::vector<double>& values, bool from_zero, double pixels, Side side) {
  AxisPlan plan;
  plan.logarithmic = axis.logarithmic;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values) {
    if (!std::isfinite(value) || (axis.logarithmic && value <= 0)) continue;
    const double bounded = std::clamp(value, axis.logarithmic ? 1 / kLargest : -kLargest, kLargest);
    low = std::min(low, bounded);
    high = std::max(high, bounded);
  }
  const bool given = axis.range && axis.range->first != axis.range->second && std::isfinite(axis.range->first) &&
                     std::isfinite(axis.range->second) &&
                     (!axis.logarithmic || std::min(axis.range->first, axis.range->second) > 0);
  if (given) {
    std::tie(plan.low, plan.high) = *axis.range;
  } else if (low > high) {
    plan.low = axis.logarithmic ? 0.1 : 0;
    plan.high = 1;
  } else if (axis.logarithmic) {
    const double margin = std::clamp(std::pow(10.0, 0.06 * (std::log10(high) - std::log10(low))), 1.15, 1e5);
    plan.low = low / (from_zero ? margin * 1.5 : margin);
    plan.high = high * margin;
  } else {
    std::tie(plan.low, plan.high) = padded(low, high, from_zero);
  }
  const auto most = static_cast<std::size_t>(std::max(2.0, pixels / (side == Side::x ? 70 : 45)));
  const double bottom = std::min(plan.low, plan.high), top = std::max(plan.low, plan.high);
  plan.ticks = axis.logarithmic ? logarithmic_ticks(bottom, top, most) : linear_ticks(bottom, top, most);
  plan.label_extent = side == Side::y ? widest(plan.ticks) : kTickSize * kLineHeight;
  return plan;
}

}  // namespace stratoscope
