// Statistics of ranks, and correlations. Everything is NaN if a number is NaN.
#pragma once

#include <span>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// 1 for the smallest number; equal numbers have the mean of their ranks.
std::vector<double> mid_ranks(std::span<const double> values);

// The probability that a number of `a` is larger than one of `b`, with half of the ties: the area under the ROC curve,
// U / (n_a n_b) of Mann and Whitney 1947. NaN if one of them is empty.
double area_under_curve(std::span<const double> a, std::span<const double> b);

// Correlation of two lists of equal length: Pearson's, and Spearman's (1904), which is Pearson's of the ranks. NaN for
// fewer than two numbers and for a list of equal numbers.
double pearson_correlation(std::span<const double> x, std::span<const double> y);
double spearman_correlation(std::span<const double> x, std::span<const double> y);

}  // namespace stratoscope
