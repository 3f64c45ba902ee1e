#include "stratoscope/analysis/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace stratoscope {
namespace {

constexpr double kTail = 0.001, kMargin = 0.1;

}  // namespace

Histogram::Histogram(double low, double high, std::size_t bins) : counts_(bins, 0) {
  const double width = (high - low) / static_cast<double>(bins);
  for (std::size_t i = 0; i < bins; ++i) edges_.push_back(low + static_cast<double>(i) * width);
  edges_.push_back(high);
}

void Histogram::add(double value) {
  if (std::isnan(value)) {
    ++not_numbers_;
  } else if (value < edges_.front()) {
    ++below_;
  } else if (value > edges_.back()) {
    ++above_;
  } else {
    const double share = (value - edges_.front()) / (edges_.back() - edges_.front());
    auto bin = std::min(static_cast<std::size_t>(share * static_cast<double>(counts_.size())), counts_.size() - 1);
    // The quotient is rounded, the edges decide.
    if (value < edges_[bin]) --bin;
    if (bin + 1 < counts_.size() && value >= edges_[bin + 1]) ++bin;
    ++counts_[bin];
  }
}

template <class T>
std::vector<double> quantiles(std::vector<T>& values, const std::vector<double>& shares) {
  const auto end = std::partition(values.begin(), values.end(), [](T value) { return std::isfinite(value); });
  const auto count = static_cast<std::size_t>(end - values.begin());
  std::vector<double> found;
  for (const double share : shares) {
    if (count == 0) {
      found.push_back(std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    const double rank = share * static_cast<double>(count - 1);
    const auto lower = static_cast<std::size_t>(rank);
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(lower);
    std::nth_element(values.begin(), middle, end);
    const auto low = static_cast<double>(*middle);
    const double part = rank - static_cast<double>(lower);
    const double high = part > 0 ? static_cast<double>(*std::min_element(middle + 1, end)) : low;
    found.push_back(low + (high - low) * part);
  }
  return found;
}

template std::vector<double> quantiles(std::vector<float>&, const std::vector<double>&);
template std::vector<double> quantiles(std::vector<double>&, const std::vector<double>&);

std::pair<double, double> robust_limits(std::vector<double>& values) {
  const auto found = quantiles(values, {0, kTail, 1 - kTail, 1});
  const double margin = (found[2] - found[1]) * kMargin;
  if (std::isnan(margin)) return {0, 1};
  const double low = std::max(found[0], found[1] - margin), high = std::min(found[3], found[2] + margin);
  if (low < high) return {low, high};
  const double half = low == 0 ? 0.5 : std::abs(low) * 0.1;
  return {low - half, low + half};
}

}  // namespace stratoscope
