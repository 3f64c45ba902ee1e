// Sums over exponentials of a row in double, as softmax, entropy and divergences of logits need them.
#pragma once

#include <span>

namespace stratoscope {

// The largest value. NaN is ignored; minus infinity if there is no other value.
float largest_of(std::span<const float> values);
double largest_of(std::span<const double> values);

struct ExpSums {
  double top = 0;       // the largest value
  double exp = 0;       // sum of exp(x - top)
  double weighted = 0;  // sum of exp(x - top) (x - top), where minus infinity counts as 0
};

// A NaN among the values makes the sums NaN.
ExpSums exp_sums(std::span<const float> values);
ExpSums exp_sums(std::span<const double> values);

// A row of logits with its known sums.
template <class T>
struct KnownRow {
  std::span<const T> logits;
  double log_sum_exp = 0;
};

struct ChangeSums {
  double kl = 0;       // KL(from || to), where minus infinity in `from` counts as 0; rounding can make it negative
  double largest = 0;  // the largest change of a logit; NaN if a change is NaN
};

// `probs` is the softmax of `from`.
ChangeSums change_sums(KnownRow<float> from, std::span<const double> probs, KnownRow<float> to);
ChangeSums change_sums(KnownRow<double> from, std::span<const double> probs, KnownRow<double> to);

// exps[i] = exp(values[i] - by), within 1 ulp.
void exp_each(std::span<const float> values, double by, std::span<double> exps);
void exp_each(std::span<const double> values, double by, std::span<double> exps);

}  // namespace stratoscope
