#include "stratoscope/analysis/two_groups.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <cstddef>
#include <limits>

#include "stratoscope/analysis/ranks.h"
#include "stratoscope/analysis/statistics.h"

namespace stratoscope {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

// 0 for equal numbers, where rounding errors of their mean would leave a little.
double variance_of(std::span<const double> values, const Statistics& found) {
  return std::equal(values.begin() + 1, values.end(), values.begin()) ? 0 : found.variance;
}

// The indices of the numbers in ascending order, without NaN.
std::vector<std::size_t> ascending(std::span<const double> p) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (!std::isnan(p[i])) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return p[i] < p[j]; });
  return order;
}

}  // namespace

double two_sided_p(double t, double degrees) {
  if (std::isnan(t) || std::isnan(degrees)) return kUndefined;
  if (std::isinf(t)) return 0;
  // The double's own arithmetic: the same bits wherever long double is wider or not.
  using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  return boost::math::ibeta(degrees / 2, 0.5, degrees / (degrees + t * t), Policy());
}

GroupDifference compare_two_groups(std::span<const double> a, std::span<const double> b) {
  GroupDifference result{kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined};
  if (a.empty() || b.empty()) return result;
  const Statistics of_a = statistics(a), of_b = statistics(b);
  result.mean_a = of_a.mean;
  result.mean_b = of_b.mean;
  const double difference = of_a.mean - of_b.mean;
  if (a.size() < 2 || b.size() < 2 || std::isnan(difference)) return result;
  const auto n_a = static_cast<double>(a.size()), n_b = static_cast<double>(b.size());
  const double var_a = variance_of(a, of_a), var_b = variance_of(b, of_b);
  const double share_a = var_a / n_a, share_b = var_b / n_b, sum = share_a + share_b;
  const double pooled = ((n_a - 1) * var_a + (n_b - 1) * var_b) / (n_a + n_b - 2);
  result.auc = area_under_curve(a, b);
  if (sum == 0) {
    const bool equal = a[0] == b[0];
    result.t = result.d = equal ? 0 : std::copysign(HUGE_VAL, difference);
    result.degrees = n_a + n_b - 2;
    result.p = equal ? 1 : 0;
    return result;
  }
  result.t = difference / std::sqrt(sum);
  // The shares as parts of their sum, whose squares cannot underflow.
  const double part_a = share_a / sum, part_b = share_b / sum;
  result.degrees = 1 / (part_a * part_a / (n_a - 1) + part_b * part_b / (n_b - 1));
  result.p = two_sided_p(result.t, result.degrees);
  result.d = difference / std::sqrt(pooled);
  return result;
}

std::vector<double> bonferroni(std::span<const double> p) {
  const auto count = static_cast<double>(ascending(p).size());
  std::vector<double> corrected;
  for (const double one : p) corrected.push_back(std::isnan(one) ? kUndefined : std::min(1.0, one * count));
  return corrected;
}

std::vector<double> false_discovery_rates(std::span<const double> p) {
  const std::vector<std::size_t> order = ascending(p);
  std::vector<double> rates(p.size(), kUndefined);
  double least = 1;
  for (std::size_t rank = order.size(); rank > 0; --rank) {
    const std::size_t i = order[rank - 1];
    least = std::min(least, p[i] * static_cast<double>(order.size()) / static_cast<double>(rank));
    rates[i] = least;
  }
  return rates;
}

}  // namespace stratoscope
