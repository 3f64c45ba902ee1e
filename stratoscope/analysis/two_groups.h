// Two groups of numbers compared: the difference of their means, its size and its significance.
#pragma once

#include <span>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

struct GroupDifference {
  double mean_a = 0, mean_b = 0;
  double t = 0;        // Welch's (1947): (mean_a - mean_b) / sqrt(var_a / n_a + var_b / n_b)
  double degrees = 0;  // of freedom, after Welch and Satterthwaite (1946)
  double p = 0;        // two-sided, of Student's distribution
  double d = 0;        // Cohen's (1988): the difference by the pooled standard deviation
  double auc = 0;      // area_under_curve(a, b)
};

// Variances are unbiased (n - 1). Two groups of one and the same number have t = d = 0 and p = 1; two groups of one
// number each, but different ones, infinite t and d and p = 0. All but the means is NaN for a group of fewer than two
// numbers, and everything if a number is NaN.
GroupDifference compare_two_groups(std::span<const double> a, std::span<const double> b);

// P(|T| >= |t|) of Student's distribution with these degrees of freedom: the regularised incomplete beta function
// I_x(degrees / 2, 1 / 2) at x = degrees / (degrees + t^2) (Abramowitz and Stegun 1964, 26.7.1).
double two_sided_p(double t, double degrees);

// p-values corrected for their number, without the NaN among them: p times that number, up to 1 (Bonferroni), and the
// smallest false discovery rate at which each is among the discoveries (Benjamini and Hochberg 1995).
std::vector<double> bonferroni(std::span<const double> p);
std::vector<double> false_discovery_rates(std::span<const double> p);

}  // namespace stratoscope
