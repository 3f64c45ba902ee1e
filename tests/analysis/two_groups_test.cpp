// The comparison of two groups against sums written out, an integral of Student's density, and published examples.
#include "stratoscope/analysis/two_groups.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

std::vector<double> units(std::uint64_t seed, std::size_t count, double shift) {
  test::Random random(seed);
  std::vector<double> values;
  for (const double unit : random.units(count)) values.push_back(unit + shift);
  return values;
}

// P(|T| >= t): 1 minus twice the integral of the density from 0 to t, by Simpson's rule.
double integrated_p(double t, double degrees) {
  constexpr int kSteps = 20000;
  const double log_scale =
      std::lgamma((degrees + 1) / 2) - std::lgamma(degrees / 2) - 0.5 * std::log(degrees * std::acos(-1.0));
  const auto density = [&](double x) { return std::exp(log_scale - (degrees + 1) / 2 * std::log1p(x * x / degrees)); };
  const double width = std::abs(t) / kSteps;
  double sum = density(0) + density(std::abs(t));
  for (int i = 1; i < kSteps; ++i) sum += density(i * width) * (i % 2 == 1 ? 4 : 2);
  return 1 - 2 * sum * width / 3;
}

TEST(TwoGroups, StudentsDistribution) {
  for (const double degrees : {1.0, 2.5, 7.0, 20.0, 133.3})
    for (const double t : {0.0, 0.3, 1.0, 2.1, 5.0})
      EXPECT_NEAR(two_sided_p(t, degrees), integrated_p(t, degrees), 1e-12) << t << " at " << degrees;
  EXPECT_EQ(two_sided_p(-2, 9), two_sided_p(2, 9));
  // Tables of Student's distribution, 5 % and 1 % on two sides.
  EXPECT_NEAR(two_sided_p(12.706, 1), 0.05, 2e-6);
  EXPECT_NEAR(two_sided_p(2.228, 10), 0.05, 2e-5);
  EXPECT_NEAR(two_sided_p(2.845, 20), 0.01, 2e-5);
  // With one degree it is Cauchy's: 1 - 2/pi atan(t).
  EXPECT_NEAR(two_sided_p(1e6, 1) / (2 / std::acos(-1.0) * 1e-6), 1, 1e-9);
  EXPECT_GT(two_sided_p(40, 60), 0);
  EXPECT_LT(two_sided_p(40, 60), 1e-40);
  EXPECT_EQ(two_sided_p(HUGE_VAL, 5), 0);
}

TEST(TwoGroups, AreComparedAsByHand) {
  const auto a = units(1, 12, 0.4), b = units(2, 30, 0);
  const auto mean_of = [](const std::vector<double>& x) {
    double sum = 0;
    for (const double each : x) sum += each;
    return sum / static_cast<double>(x.size());
  };
  const auto squares = [&](const std::vector<double>& x) {
    double sum = 0;
    for (const double each : x) sum += std::pow(each - mean_of(x), 2);
    return sum;
  };
  const double va = squares(a) / 11, vb = squares(b) / 29, error = va / 12 + vb / 30;
  const GroupDifference found = compare_two_groups(a, b);
  EXPECT_NEAR(found.mean_a, mean_of(a), 1e-14);
  EXPECT_NEAR(found.mean_b, mean_of(b), 1e-14);
  EXPECT_NEAR(found.t, (mean_of(a) - mean_of(b)) / std::sqrt(error), 1e-12);
  EXPECT_NEAR(found.degrees, error * error / (va * va / 144 / 11 + vb * vb / 900 / 29), 1e-9);
  EXPECT_NEAR(found.p, integrated_p(found.t, found.degrees), 1e-12);
  EXPECT_NEAR(found.d, (mean_of(a) - mean_of(b)) / std::sqrt((squares(a) + squares(b)) / 40), 1e-12);
  EXPECT_GT(found.t, 1) << "the groups differ";
  const GroupDifference other = compare_two_groups(b, a);
  EXPECT_EQ(other.t, -found.t);
  EXPECT_EQ(other.p, found.p);
  EXPECT_NEAR(other.auc, 1 - found.auc, 1e-14);
}

TEST(TwoGroups, WithoutVariance) {
  const std::vector<double> tenths(7, 0.1), others(5, 0.3), few = {1}, broken = {1, std::nan("")};
  const GroupDifference same = compare_two_groups(tenths, std::vector<double>(4, 0.1));
  EXPECT_EQ(same.t, 0);
  EXPECT_EQ(same.d, 0);
  EXPECT_EQ(same.p, 1);
  EXPECT_EQ(same.auc, 0.5);
  const GroupDifference apart = compare_two_groups(tenths, others);
  EXPECT_EQ(apart.t, -HUGE_VAL);
  EXPECT_EQ(apart.p, 0);
  EXPECT_EQ(apart.auc, 0);
  EXPECT_TRUE(std::isnan(compare_two_groups(few, tenths).p));
  EXPECT_EQ(compare_two_groups(few, tenths).mean_a, 1);
  EXPECT_TRUE(std::isnan(compare_two_groups(broken, tenths).p));
  EXPECT_TRUE(std::isnan(compare_two_groups(broken, tenths).auc));
}

TEST(TwoGroups, CorrectionsOfThePublishedExample) {
  // Benjamini and Hochberg 1995, section 3.1: at 5 % Bonferroni rejects three hypotheses, their procedure four.
  const std::vector<double> p = {0.0278, 0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0298, 0.0344,
                                 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.000};
  const auto at_most = [](const std::vector<double>& values, double most) {
    return std::count_if(values.begin(), values.end(), [&](double value) { return value <= most; });
  };
  EXPECT_EQ(at_most(bonferroni(p), 0.05), 3);
  EXPECT_EQ(at_most(false_discovery_rates(p), 0.05), 4);
  EXPECT_NEAR(bonferroni(p)[2], 0.006, 1e-15);
  EXPECT_NEAR(false_discovery_rates(p)[4], 0.0095 * 15 / 4, 1e-15);
  EXPECT_EQ(false_discovery_rates(p).back(), 1);
  // The rate of p_i is the smallest over all thresholds t >= p_i of (tests t) / (number of p <= t).
  const auto random = units(9, 40, 1);
  std::vector<double> ps;
  for (const double each : random) ps.push_back(each * each / 4);
  const auto rates = false_discovery_rates(ps);
  for (std::size_t i = 0; i < ps.size(); ++i) {
    double least = 1;
    for (const double threshold : ps)
      if (threshold >= ps[i]) least = std::min(least, threshold * 40 / static_cast<double>(at_most(ps, threshold)));
    EXPECT_NEAR(rates[i], least, 1e-15);
  }
  const auto with_gap = bonferroni(std::vector<double>{0.01, std::nan(""), 0.9});
  EXPECT_EQ(with_gap[0], 0.02);
  EXPECT_TRUE(std::isnan(with_gap[1]));
  EXPECT_EQ(with_gap[2], 1);
}

}  // namespace
}  // namespace stratoscope
