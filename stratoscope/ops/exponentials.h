// Sums over exponentials of a row in double: what softmax, entropy and divergences of logits need.
#pragma once

#include <span>

namespace stratoscope {

// The largest value. NaN is passed over; minus infinity where there is no other. T is float or double.
template <class T>
T largest_of(std::span<const T> values);

struct ExpSums {
  double top = 0;       // the largest value
  double exp = 0;       // sum of exp(x - top)
  double weighted = 0;  // sum of exp(x - top) (x - top), where minus infinity counts as 0
};

// NaN among the values makes the sums NaN.
template <class T>
ExpSums exp_sums(std::span<const T> values);

// exps[i] = exp(values[i] - by), within 1 ulp.
template <class T>
void exp_each(std::span<const T> values, double by, std::span<double> exps);

}  // namespace stratoscope
