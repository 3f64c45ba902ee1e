// The activations against their formulas in double, on every instruction set.
#include "stratoscope/ops/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/targets.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

double expected_of(Activation activation, double x) {
  if (activation == Activation::relu) return x < 0 ? 0 : x;
  if (activation == Activation::relu2) return x < 0 ? 0 : x * x;
  if (activation == Activation::silu) return x * (1 / (1 + std::exp(-x)));
  if (activation == Activation::quick_gelu) return x * (1 / (1 + std::exp(-1.702 * x)));
  // erfc and the exponential keep their digits far below zero, where 1 + tanh and 1 + erf do not.
  if (activation == Activation::gelu) return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
  const double u = std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
  return x / (1 + std::exp(-2 * u));
}

std::vector<float> activated(Activation activation, std::vector<float> values) {
  activate(activation, {values.data(), 1, values.size()});
  return values;
}

// Below these the results are far too small to change a sum of float32 activations.
double tolerance(double x) { return 3e-6 * std::abs(x) * (x < -4 ? 1e-3 : 1) + 1e-37; }

// The input below which the result is practically zero.
float zero_below(Activation activation) {
  return activation == Activation::silu ? -88 : activation == Activation::quick_gelu ? -51.5F : -30;
}

class Activations : public ::testing::TestWithParam<Activation> {};

TEST_P(Activations, AgreeWithTheFormula) {
  test::on_every_target([] {
    std::vector<float> x;
    for (int i = -2200; i <= 2200; ++i) x.push_back(0.0137F * static_cast<float>(i));
    for (const float value : {1e-30F, -1e-30F, 1e-6F, 100.0F, 1e4F, 1e10F, 1e30F, -100.0F, -1e4F, -1e10F, -1e30F})
      x.push_back(value);
    const auto y = activated(GetParam(), x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const bool zero = x[i] < zero_below(GetParam());
      const double expected = zero ? 0 : expected_of(GetParam(), static_cast<double>(x[i]));
      if (expected > static_cast<double>(std::numeric_limits<float>::max())) {
        ASSERT_EQ(y[i], kInfinity) << "at " << x[i];
        continue;
      }
      const double allowed = 1.5e-6 * std::abs(expected) + (x[i] < 0 ? tolerance(static_cast<double>(x[i])) : 1e-37);
      ASSERT_NEAR(static_cast<double>(y[i]), expected, zero ? 1e-30 : allowed) << "at " << x[i];
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
    if (GetParam() == Activation::relu || GetParam() == Activation::relu2) {
      EXPECT_EQ(activated(GetParam(), {-kInfinity})[0], 0.0F);
    }
    // 0 * infinity: PyTorch's GELU and SiLU of -infinity are NaN too; of finite numbers they never are.
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

TEST_P(Activations, TheProductIsThatOfTheActivatedGate) {
  test::on_every_target([] {
    test::Random random(8);
    for (const std::size_t cols : {1U, 3U, 7U, 8U, 17U, 33U, 64U, 100U}) {
      // Gate and linear side by side in one matrix, as one product leaves them.
      constexpr std::size_t kRows = 5;
      auto both = random.units(kRows * 2 * cols, 6);
      both[0] = kInfinity;
      both[cols - 1] = 1e30F;
      const MatrixView<float> gate(both.data(), kRows, cols, 2 * cols);
      const MatrixView<float> right(both.data() + cols, kRows, cols, 2 * cols);
      std::vector<float> activated_gate, y(kRows * (cols + 3), 7.0F), alone(cols);
      for (std::size_t r = 0; r < kRows; ++r)
        activated_gate.insert(activated_gate.end(), gate.row(r), gate.row(r) + cols);
      activate(GetParam(), {activated_gate.data(), kRows, cols});
      activate_and_multiply(GetParam(), gate, right, {y.data(), kRows, cols, cols + 3});
      activate_and_multiply(GetParam(), gate.rows_from(2, 1), right.rows_from(2, 1), {alone.data(), 1, cols});
      activate_and_multiply(GetParam(), gate, right, gate);
      for (std::size_t r = 0; r < kRows; ++r) {
        for (std::size_t i = 0; i < cols; ++i) {
          const float expected = activated_gate[r * cols + i] * right.row(r)[i];
          ASSERT_EQ(y[r * (cols + 3) + i], expected) << cols << " columns, row " << r;
          ASSERT_EQ(gate.row(r)[i], expected) << "in place, " << cols << " columns, row " << r;
          if (r == 2) {
            ASSERT_EQ(alone[i], expected) << "alone";
          }
        }
        for (std::size_t i = cols; i < cols + 3; ++i) ASSERT_EQ(y[r * (cols + 3) + i], 7.0F) << "beyond the row";
      }
    }
  });
}

constexpr Activation kActivations[] = {Activation::gelu_new, Activation::gelu, Activation::relu,
                                       Activation::relu2,    Activation::silu, Activation::quick_gelu};
constexpr const char* kActivationNames[] = {"gelu_new", "gelu", "relu", "relu2", "silu", "quick_gelu"};

INSTANTIATE_TEST_SUITE_P(All, Activations, ::testing::ValuesIn(kActivations),
                         [](const auto& which) { return kActivationNames[which.index]; });

}  // namespace
}  // namespace stratoscope
