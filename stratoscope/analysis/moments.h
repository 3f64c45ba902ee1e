// The moments of a stream of numbers, in one pass and in double: no differences of large sums are taken (Pébay 2008,
// "Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order Statistical Moments").
#pragma once

#include <cstddef>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

class Moments {
 public:
  void add(double value);

  std::size_t count() const { return count_; }
  // Below here NaN for no number, and if a number is NaN.
  double mean() const;
  double variance() const;  // unbiased (n - 1), as PyTorch's var; 0 for a single number
  // m_4 / m_2^2 - 3 with the central moments m_k = sum((x - mean)^k) / n, as scipy.stats.kurtosis: 0 for a normal
  // distribution. NaN for equal numbers.
  double excess_kurtosis() const;
  double zeros() const;  // the share of numbers that are exactly 0
  double min() const;
  double max() const;

 private:
  std::size_t count_ = 0, zeros_ = 0;
  double mean_ = 0, second_ = 0, third_ = 0, fourth_ = 0;  // sums of powers of deviations
  double min_ = 0, max_ = 0;
};

}  // namespace stratoscope
