// GELU in both forms and ReLU against their formulas in double, on every instruction set.
#include "stratoscope/ops/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/targets.h"

namespace stratoscope {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

double expected_of(Activation activation, double x) {
  if (activation == Activation::relu) return x < 0 ? 0 : x;
  // erfc and the exponential keep their digits far below zero, where 1 + tanh and 1 + erf do not.
  if (activation == Activation::gelu) return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
  const double u = std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
  return x / (1 + std::exp(-2 * u));
}

std::vector<float> activated(Activation activation, std::vector<float> values) {
  activate(activation, {values.data(), 1, values.size()});
  return values;
}

// Below these the results are far beneath what a sum of float32 activations could notice.
double tolerance(double x) { return 3e-6 * std::abs(x) * (x < -4 ? 1e-3 : 1) + 1e-37; }

class Activations : public ::testing::TestWithParam<Activation> {};

TEST_P(Activations, AgreeWithTheFormula) {
  test::on_every_target([] {
    std::vector<float> x;
    for (int i = -2200; i <= 2200; ++i) x.push_back(0.0137F * static_cast<float>(i));
    for (const float value : {1e-30F, -1e-30F, 1e-6F, 100.0F, 1e4F, 1e10F, 1e30F, -100.0F, -1e4F, -1e10F, -1e30F})
      x.push_back(value);
    const auto y = activated(GetParam(), x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = expected_of(GetParam(), static_cast<double>(x[i]));
      const double allowed = 1.5e-6 * std::abs(expected) + tolerance(static_cast<double>(x[i])) * (x[i] < 0 ? 1 : 0);
      ASSERT_NEAR(static_cast<double>(y[i]), x[i] < -30 ? 0 : expected, x[i] < -30 ? 1e-30 : allowed) << "at " << x[i];
    }
  });
}

TEST_P(Activations, Extremes) {
  test::on_every_target([] {
    const auto y = activated(GetParam(), {0.0F, -0.0F, kInfinity, std::numeric_limits<float>::quiet_NaN(), 1.0F});
    EXPECT_EQ(y[0], 0.0F);
    EXPECT_EQ(y[1], 0.0F);
    EXPECT_EQ(y[2], kInfinity);
    EXPECT_TRUE(std::isnan(y[3]));
    EXPECT_TRUE(std::isfinite(y[4])) << "a NaN spread to its neighbour";
    if (GetParam() == Activation::relu) {
      EXPECT_EQ(activated(GetParam(), {-kInfinity})[0], 0.0F);
    }
    // 0 * infinity: PyTorch's GELU of -infinity is NaN too; finite numbers never are.
    const float lowest = activated(GetParam(), {std::numeric_limits<float>::lowest()})[0];
    EXPECT_EQ(lowest, 0.0F);
  });
}

TEST_P(Activations, EveryPlaceOfARowHasTheSameBits) {
  test::on_every_target([] {
    const std::vector<float> values = {-3.3F, -0.7F, 0.31F, 2.9F};
    const auto expected = activated(GetParam(), values);
    for (std::size_t length = 1; length <= 40; ++length) {
      std::vector<float> x(2 * (length + 3) + 1, 7.0F);
      for (std::size_t r = 0; r < 2; ++r)
        for (std::size_t i = 0; i < length; ++i) x[1 + r * (length + 3) + i] = values[i % 4];
      activate(GetParam(), {x.data() + 1, 2, length, length + 3});
      for (std::size_t r = 0; r < 2; ++r)
        for (std::size_t i = 0; i < length + 3; ++i)
          ASSERT_EQ(x[1 + r * (length + 3) + i], i < length ? expected[i % 4] : 7.0F) << length << " numbers, " << i;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(All, Activations, ::testing::Values(Activation::gelu_new, Activation::gelu, Activation::relu),
                         [](const auto& which) {
                           return which.param == Activation::gelu_new ? "gelu_new"
                                  : which.param == Activation::gelu   ? "gelu"
                                                                      : "relu";
                         });

}  // namespace
}  // namespace stratoscope
