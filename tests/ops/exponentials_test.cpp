// Sums over exponentials against the C library's, on every instruction set.
#include "stratoscope/ops/exponentials.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/targets.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

template <class T>
std::vector<T> logits_of(std::size_t count, double spread) {
  test::Random random(count);
  std::vector<T> logits;
  for (const float unit : random.units(count))
    logits.push_back(static_cast<T>(spread * static_cast<double>(unit) - 90));
  return logits;
}

template <class T>
void expect_as_the_library(const std::vector<T>& logits) {
  const auto top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  ExpSums expected;
  std::vector<double> exps(logits.size() + 1, 7);
  exp_each(std::span<const T>(logits), top, std::span(exps).first(logits.size()));
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double below = static_cast<double>(logits[i]) - top, e = std::exp(below);
    EXPECT_NEAR(exps[i], e, 4e-16 * e + 1e-323) << "at " << below;
    expected.exp += e;
    if (e > 0) expected.weighted += e * below;
  }
  EXPECT_EQ(exps.back(), 7) << "beyond the row";
  EXPECT_EQ(static_cast<double>(largest_of(std::span<const T>(logits))), top);
  const ExpSums sums = exp_sums(std::span<const T>(logits));
  EXPECT_EQ(sums.top, top);
  EXPECT_NEAR(sums.exp, expected.exp, 1e-13 * expected.exp);
  EXPECT_NEAR(sums.weighted, expected.weighted, -1e-13 * expected.weighted);
}

TEST(Exponentials, AgreeWithTheLibraryForEveryLength) {
  test::on_every_target([] {
    for (std::size_t count = 1; count <= 40; ++count) {
      expect_as_the_library(logits_of<float>(count, 12));
      expect_as_the_library(logits_of<double>(count, 12));
    }
    expect_as_the_library(logits_of<float>(50257, 700));
  });
}

TEST(Exponentials, FarBelowTheTop) {
  test::on_every_target([] {
    const std::vector<double> logits = {
        0, -744, -746, -999, -1001, -1e300, -std::numeric_limits<double>::infinity(), -1e-300, -0.0};
    expect_as_the_library(logits);
  });
}

template <class T>
void expect_change_as_in_a_loop(std::vector<T> from, const std::vector<T>& to) {
  const double from_total = 2, to_total = 3;
  from[from.size() / 2] = -std::numeric_limits<T>::infinity();
  std::vector<double> probs(from.size());
  exp_each(std::span<const T>(from), from_total, std::span(probs));
  double kl = 0, largest = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto before = static_cast<double>(from[i]), after = static_cast<double>(to[i]);
    if (std::isfinite(before)) kl += std::exp(before - from_total) * (before - from_total - after + to_total);
    largest = std::max(largest, std::abs(after - before));
  }
  const ChangeSums sums = change_sums(KnownRow<T>{std::span<const T>(from), from_total}, std::span<const double>(probs),
                                      KnownRow<T>{std::span<const T>(to), to_total});
  EXPECT_NEAR(sums.kl, kl, 1e-13 * std::abs(kl) + 1e-300);
  EXPECT_EQ(sums.largest, largest);
}

TEST(Exponentials, ChangesAgreeWithALoopForEveryLength) {
  test::on_every_target([] {
    for (std::size_t count = 1; count <= 40; ++count) {
      expect_change_as_in_a_loop(logits_of<float>(count, 12), logits_of<float>(count, 5));
      expect_change_as_in_a_loop(logits_of<double>(count, 12), logits_of<double>(count, 5));
    }
  });
}

TEST(Exponentials, ChangesHaveTheLargestAndKeepNaN) {
  test::on_every_target([] {
    for (std::size_t at = 0; at < 9; ++at) {
      const std::vector<float> from(9, 1.0F);
      const std::vector<double> probs(9, 1.0 / 9);
      const double total = 1 + std::log(9.0);
      std::vector<float> to = from;
      const auto sums = [&] { return change_sums(KnownRow<float>{from, total}, probs, KnownRow<float>{to, total}); };
      to[at] = -2;
      EXPECT_EQ(sums().largest, 3);
      EXPECT_NEAR(sums().kl, 3.0 / 9, 1e-15);
      to[at] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(std::isnan(sums().kl) && std::isnan(sums().largest));
    }
  });
}

TEST(Exponentials, NaNIsKept) {
  test::on_every_target([] {
    for (std::size_t at = 0; at < 9; ++at) {
      std::vector<float> logits(9, 1.0F);
      logits[at] = std::numeric_limits<float>::quiet_NaN();
      std::vector<double> exps(9);
      const ExpSums sums = exp_sums(std::span<const float>(logits));
      EXPECT_TRUE(std::isnan(sums.exp) && std::isnan(sums.weighted));
      exp_each(std::span<const float>(logits), 1, std::span(exps));
      EXPECT_EQ(largest_of(std::span<const float>(logits)), 1);
      for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(std::isnan(exps[i]), i == at);
    }
  });
}

}  // namespace
}  // namespace stratoscope
