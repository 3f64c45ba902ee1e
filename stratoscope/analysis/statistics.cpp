#include "stratoscope/analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace stratoscope {

template <class T>
Statistics statistics(std::span<const T> values) {
  const auto count = static_cast<double>(values.size());
  Statistics s;
  double sum = 0, squares = 0, deviations = 0;
  s.min = s.max = static_cast<double>(values[0]);
  for (const T stored : values) {
    const auto value = static_cast<double>(stored);
    sum += value;
    squares += value * value;
    if (value < s.min || std::isnan(value)) s.min = value;
    if (value > s.max || std::isnan(value)) s.max = value;
  }
  s.mean = sum / count;
  s.norm = std::sqrt(squares);
  for (const T value : values) {
    const double deviation = static_cast<double>(value) - s.mean;
    deviations += deviation * deviation;
  }
  s.variance = values.size() > 1 ? deviations / (count - 1) : 0;
  return s;
}

template Statistics statistics(std::span<const float>);
template Statistics statistics(std::span<const double>);

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double median(std::span<const double> values) {
  if (values.empty()) return 0;
  std::vector<double> sorted(values.begin(), values.end());
  const auto broken = std::find_if(sorted.begin(), sorted.end(), [](double value) { return std::isnan(value); });
  if (broken != sorted.end()) return *broken;  // NaN cannot be sorted
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

}  // namespace stratoscope
