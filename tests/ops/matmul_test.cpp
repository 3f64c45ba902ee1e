// Packed products against sums in double.
#include "stratoscope/ops/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <thread>

#include "stratoscope/base/threads.h"
#include "stratoscope/tensor/bfloat16.h"
#include "tests/ops/targets.h"
#include "tests/support/compare.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

// x, W and b of one product; x's rows lie `gap` numbers apart from one another.
struct Case {
  std::size_t rows, in, out, gap;
  std::vector<float> x, weights, bias;

  Case(std::size_t r, std::size_t i, std::size_t o, std::size_t g = 0) : rows(r), in(i), out(o), gap(g) {
    test::Random random(r + 1000 * i + 1000000 * o);
    x = random.units(rows * (in + gap));
    weights = random.units(in * out);
    bias = random.units(out);
  }
  MatrixView<const float> rows_of_x() const { return {x.data(), rows, in, in + gap}; }
  float weight(std::size_t i, std::size_t o, WeightLayout layout) const {
    return layout == WeightLayout::in_out ? weights[i * out + o] : weights[o * in + i];
  }
};

constexpr std::array kArithmetics = {Arithmetic::fp32, Arithmetic::bf16};

// The error bound of sums in float32, relative to the sum of the terms' magnitudes.
constexpr double kTolerance = 1e-6;

// A number as it is multiplied.
double multiplied(float x, Arithmetic arithmetic) {
  return static_cast<double>(arithmetic == Arithmetic::bf16 ? widened(rounded_to_bfloat16(x)) : x);
}

// The largest error of a row relative to the sum of its terms' magnitudes.
double largest_error(const Case& c, WeightLayout layout, bool with_bias, MatrixView<const float> y,
                     Arithmetic arithmetic = Arithmetic::fp32) {
  double worst = 0;
  for (std::size_t r = 0; r < c.rows; ++r)
    for (std::size_t o = 0; o < c.out; ++o) {
      double sum = with_bias ? static_cast<double>(c.bias[o]) : 0, size = std::abs(sum);
      for (std::size_t i = 0; i < c.in; ++i) {
        const double term =
            multiplied(c.rows_of_x().row(r)[i], arithmetic) * multiplied(c.weight(i, o, layout), arithmetic);
        sum += term;
        size += std::abs(term);
      }
      const double error = std::abs(static_cast<double>(y.row(r)[o]) - sum) / size;
      worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(worst, error);
    }
  return worst;
}

TEST(Matmul, AgreesWithSumsInDouble) {
  test::on_every_target([] {
    for (const std::size_t rows : {1U, 6U, 47U, 150U})
      for (const std::size_t in : {1U, 5U, 65U, 400U})
        for (const std::size_t out : {1U, 16U, 67U})
          for (const WeightLayout layout : {WeightLayout::in_out, WeightLayout::out_in})
            for (const Arithmetic arithmetic : kArithmetics) {
              const bool with_bias = (rows + out) % 2 == 0;
              const Case c(rows, in, out);
              const PackedMatrix matrix(c.weights.data(), in, out, layout, with_bias ? c.bias.data() : nullptr,
                                        arithmetic);
              Tensor y({rows, out});
              matrix.multiply(c.rows_of_x(), y.matrix());
              ASSERT_LE(largest_error(c, layout, with_bias, y.matrix(), arithmetic), kTolerance)
                  << rows << " x " << in << " x " << out << (with_bias ? " with bias" : "");
            }
  });
}

TEST(Matmul, BfloatRoundsAndFloatDoesNot) {
  const Case c(20, 300, 50);
  const auto error = [&](Arithmetic arithmetic) {
    const PackedMatrix matrix(c.weights.data(), 300, 50, WeightLayout::in_out, nullptr, arithmetic);
    Tensor y({20, 50});
    matrix.multiply(c.rows_of_x(), y.matrix());
    return largest_error(c, WeightLayout::in_out, false, y.matrix());
  };
  EXPECT_LE(error(Arithmetic::fp32), kTolerance);
  EXPECT_GT(error(Arithmetic::bf16), 100 * kTolerance);
}

TEST(Matmul, RowsMayBeStridedAndMisaligned) {
  for (const Arithmetic arithmetic : kArithmetics)
    for (const std::size_t in : {7U, 64U, 200U}) {
      const Case c(50, in, 33, 5);
      const PackedMatrix matrix(c.weights.data(), in, 33, WeightLayout::in_out, c.bias.data(), arithmetic);
      std::vector<float> wide(50 * 40 + 1, 123.0F);
      const MatrixView<float> y(wide.data() + 1, 50, 33, 40);
      matrix.multiply(c.rows_of_x(), y);
      EXPECT_LE(largest_error(c, WeightLayout::in_out, true, y, arithmetic), kTolerance);
      EXPECT_EQ(wide[0], 123.0F);
      for (std::size_t r = 0; r < 50; ++r)
        for (std::size_t i = 33; i < 40; ++i) ASSERT_EQ(y.row(r)[i], 123.0F) << "written between the rows";
    }
}

TEST(Matmul, ARowHasTheSameBitsInAnyCompanyAtAnyThreadCount) {
  test::on_every_target([] {
    for (const Arithmetic arithmetic : kArithmetics)
      for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{48, 144}, {768, 192}, {131, 1300}}) {
        const Case c(150, in, out);
        const PackedMatrix matrix(c.weights.data(), in, out, WeightLayout::in_out, c.bias.data(), arithmetic);
        Tensor whole({c.rows, out});
        {
          const ThreadScope one(1);
          matrix.multiply(c.rows_of_x(), whole.matrix());
        }
        for (const int threads : {1, 2, 3, 7}) {
          const ThreadScope scope(threads);
          for (const std::size_t count : {1U, 2U, 3U, 16U, 47U, 100U, 150U}) {
            const std::size_t first = (c.rows - count) / 2;
            Tensor part({count, out});
            matrix.multiply(c.rows_of_x().rows_from(first, count), part.matrix());
            ASSERT_TRUE(test::same_bits(std::span<const float>(part.values()),
                                        std::span<const float>(whole.matrix().row(first), part.size())))
                << count << " rows, " << threads << " threads, " << in << " x " << out;
          }
        }
      }
  });
}

TEST(Matmul, NotANumberStaysInItsRow) {
  for (const Arithmetic arithmetic : kArithmetics) {
    Case c(5, 70, 20);
    const PackedMatrix matrix(c.weights.data(), 70, 20, WeightLayout::in_out, nullptr, arithmetic);
    Tensor clean({5, 20}), y({5, 20});
    matrix.multiply(c.rows_of_x(), clean.matrix());
    c.x[2 * 70 + 69] = std::numeric_limits<float>::quiet_NaN();
    matrix.multiply(c.rows_of_x(), y.matrix());
    for (std::size_t r = 0; r < 5; ++r)
      for (std::size_t o = 0; o < 20; ++o) {
        if (r == 2)
          EXPECT_TRUE(std::isnan(y.matrix().row(r)[o]));
        else
          EXPECT_EQ(y.matrix().row(r)[o], clean.matrix().row(r)[o]);
      }
  }
}

TEST(Matmul, PackedWeightsTakeTheBytesOfTheirArithmetic) {
  const Case c(1, 96, 64);
  for (const auto& [arithmetic, bytes] : {std::pair{Arithmetic::fp32, 4U}, {Arithmetic::bf16, 2U}}) {
    const PackedMatrix matrix(c.weights.data(), 96, 64, WeightLayout::in_out, nullptr, arithmetic);
    EXPECT_GE(matrix.bytes(), 96U * 64U * bytes);
    EXPECT_LE(matrix.bytes(), 96U * 64U * bytes + 64U * sizeof(float));
  }
}

TEST(Matmul, NoRowsAreNoWorkAndConcurrentUseIsSafe) {
  const Case c(40, 96, 100);
  const PackedMatrix matrix(c.weights.data(), 96, 100, WeightLayout::in_out, c.bias.data());
  Tensor nothing({0, 100});
  matrix.multiply(c.rows_of_x().rows_from(0, 0), nothing.matrix());

  Tensor expected({40, 100});
  matrix.multiply(c.rows_of_x(), expected.matrix());
  std::vector<Tensor> results(4);
  for (Tensor& result : results) result = Tensor({40, 100});
  std::vector<std::thread> threads;
  threads.reserve(results.size());
  for (Tensor& result : results)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) matrix.multiply(c.rows_of_x(), result.matrix());
    });
  for (std::thread& thread : threads) thread.join();
  for (const Tensor& result : results) EXPECT_TRUE(test::same_bits(result.values(), std::as_const(expected).values()));
}

}  // namespace
}  // namespace stratoscope
