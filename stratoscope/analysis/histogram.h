// Histograms over bins of equal width, and the limits of bins that a few outliers do not stretch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

class Histogram {
 public:
  // `bins` (at least 1) from `low` to `high`, low < high. A bin has its lower edge and not its upper one, except for
  // the last, which has both, as in NumPy.
  Histogram(double low, double high, std::size_t bins);

  void add(double value);

  const std::vector<double>& edges() const { return edges_; }          // [bins + 1], ascending
  const std::vector<std::int64_t>& counts() const { return counts_; }  // [bins]
  std::int64_t below() const { return below_; }                        // outside of the bins
  std::int64_t above() const { return above_; }
  std::int64_t not_numbers() const { return not_numbers_; }  // NaN

 private:
  std::vector<double> edges_;
  std::vector<std::int64_t> counts_;
  std::int64_t below_ = 0, above_ = 0, not_numbers_ = 0;
};

// The quantiles at `shares` (each from 0 to 1) of the numbers that are finite, by linear interpolation between the two
// nearest in rank, as numpy.quantile; NaN if there are none. The list is reordered. T is float or double.
template <class T>
STRATOSCOPE_API std::vector<double> quantiles(std::vector<T>& values, const std::vector<double>& shares);

// Limits for the bins of a histogram: the quantiles at 0.1 % and 99.9 % of the finite numbers, each moved outwards by a
// tenth of their distance, but not past the smallest and the largest number. A little wider than a single number if all
// are equal; (0, 1) without a finite number. The list is reordered.
STRATOSCOPE_API std::pair<double, double> robust_limits(std::vector<double>& values);

}  // namespace stratoscope
