// Statistics of the activations of one token at one depth. Sums run in double.
#pragma once

#include <span>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

struct Statistics {
  double mean = 0;
  double variance = 0;  // unbiased (n - 1), as PyTorch's var; 0 for a single number
  double min = 0, max = 0;
  double norm = 0;  // Euclidean
};

// `values` has at least one number; a NaN makes all results NaN. T is float or double.
template <class T>
STRATOSCOPE_API Statistics statistics(std::span<const T> values);

// 0 for an empty list; NaN for a list with NaN. The median of an even count is the mean of the middle two, as in NumPy.
double mean(std::span<const double> values);
double median(std::span<const double> values);

}  // namespace stratoscope
