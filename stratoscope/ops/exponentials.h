// Sums over exponentials of a row in double: what softmax, entropy and divergences of logits need.
#pragma once

#include <span>

namespace stratoscope {

// The largest value. NaN is passed over; minus infinity where there is no other.
float largest_of(std::span<const float> values);
double largest_of(std::span<const double> values);

struct ExpSums {
  double top = 0;       // the largest value
  double exp = 0;       // sum of exp(x - top)
  double weighted = 0;  // sum of exp(x - top) (x - top), where minus infinity counts as 0
};

// NaN among the values makes the sums NaN.
ExpSums exp_sums(std::span<const float> values);
ExpSums exp_sums(std::span<const double> values);

// exps[i] = exp(values[i] - by), within 1 ulp.
void exp_each(std::span<const float> values, double by, std::span<double> exps);
void exp_each(std::span<const double> values, double by, std::span<double> exps);

}  // namespace stratoscope
