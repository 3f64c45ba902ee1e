#include "stratoscope/analysis/ranks.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

namespace stratoscope {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

bool has_nan(std::span<const double> values) {
  return std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::vector<double> mid_ranks(std::span<const double> values) {
  if (has_nan(values)) return std::vector<double>(values.size(), kUndefined);
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first + 1;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    for (std::size_t i = first; i < end; ++i) ranks[order[i]] = static_cast<double>(first + 1 + end) / 2;
    first = end;
  }
  return ranks;
}

double area_under_curve(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return kUndefined;
  std::vector<double> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  const std::vector<double> ranks = mid_ranks(all);
  const auto count = static_cast<double>(a.size());
  const double sum = std::accumulate(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(a.size()), 0.0);
  return (sum - count * (count + 1) / 2) / (count * static_cast<double>(b.size()));
}

double pearson_correlation(std::span<const double> x, std::span<const double> y) {
  if (x.size() < 2 || std::equal(x.begin() + 1, x.end(), x.begin()) || std::equal(y.begin() + 1, y.end(), y.begin()))
    return kUndefined;
  const double mean_x = mean_of(x), mean_y = mean_of(y);
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - mean_x, dy = y[i] - mean_y;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  const double correlation = xy / std::sqrt(xx * yy);
  return std::isnan(correlation) ? kUndefined : std::clamp(correlation, -1.0, 1.0);
}

double spearman_correlation(std::span<const double> x, std::span<const double> y) {
  return pearson_correlation(mid_ranks(x), mid_ranks(y));
}

}  // namespace stratoscope
