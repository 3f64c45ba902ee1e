// Products of numbers that are rounded to bfloat16, by each kind of kernel that this processor has.
#include "stratoscope/tensor/bfloat16.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "stratoscope/base/threads.h"
#include "stratoscope/ops/amx.h"
#include "stratoscope/ops/dot_products.h"
#include "stratoscope/ops/panel_product.h"
#include "tests/ops/targets.h"
#include "tests/support/compare.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

enum class Kind { widening, dot_products, amx };

class Bfloat16Product : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::amx && !has_amx())
      GTEST_SKIP() << "THIS PROCESSOR OR SYSTEM HAS NO AMX: its kernels are not tested here";
    if (GetParam() == Kind::dot_products && !has_dot_products())
      GTEST_SKIP() << "THIS PROCESSOR HAS NO AVX-512 BF16: its kernels are not tested here";
  }
  // check(kernels), on every instruction set that has them.
  template <class Check>
  static void with_kernels(const Check& check) {
    if (GetParam() == Kind::amx) return check(amx_kernels());
    if (GetParam() == Kind::dot_products) return check(dot_product_kernels());
    test::on_every_target([&] { check(widening_kernels()); });
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, Bfloat16Product, ::testing::Values(Kind::widening, Kind::dot_products, Kind::amx),
                         [](const auto& kernels) {
                           return kernels.param == Kind::amx            ? "Amx"
                                  : kernels.param == Kind::dot_products ? "DotProducts"
                                                                        : "Widening";
                         });

// x, W and b; rows of x lie `gap` numbers apart from one another.
struct Factors {
  std::size_t rows, in, out, gap;
  std::vector<float> x, weights, bias;

  Factors(std::size_t row_count, std::size_t inner, std::size_t columns, std::size_t between = 0)
      : rows(row_count), in(inner), out(columns), gap(between) {
    test::Random random(rows + 1000 * in + 1000000 * out);
    x = random.units(rows * (in + gap));
    weights = random.units(in * out);
    bias = random.units(out);
  }
  MatrixView<const float> view() const { return {x.data(), rows, in, in + gap}; }
  float weight(std::size_t i, std::size_t o, WeightLayout layout) const {
    return layout == WeightLayout::in_out ? weights[i * out + o] : weights[o * in + i];
  }
  PanelProduct packed(const PanelKernels& kernels, WeightLayout layout = WeightLayout::in_out) const {
    return {{weights.data(), in, out, layout, bias.data()}, kernels};
  }
};

Tensor product_of(const PanelProduct& product, MatrixView<const float> x, std::size_t out) {
  Tensor y({x.rows, out});
  product.multiply(x, y.matrix());
  return y;
}

double rounded(float x) { return static_cast<double>(widened(rounded_to_bfloat16(x))); }

struct ExactSum {
  double sum, magnitude;  // of the terms, bias included
};

ExactSum exact(const Factors& f, std::size_t row, std::size_t column, WeightLayout layout) {
  ExactSum all{static_cast<double>(f.bias[column]), std::abs(static_cast<double>(f.bias[column]))};
  for (std::size_t i = 0; i < f.in; ++i) {
    const double term = rounded(f.view().row(row)[i]) * rounded(f.weight(i, column, layout));
    all.sum += term;
    all.magnitude += std::abs(term);
  }
  return all;
}

// Products of bfloat16 numbers are exact in float32, so only additions round, each by 2^-24 at most. A term passes
// through those of its part (at most 256 long), and then through one for each further part, or for each 32 terms of
// AMX.
double largest_error(std::size_t in) {
  const std::size_t additions = std::min<std::size_t>(in, 256) + in / 32 + 2;
  return std::ldexp(static_cast<double>(additions), -24);
}

TEST_P(Bfloat16Product, AgreesWithSumsInDouble) {
  with_kernels([](const PanelKernels& kernels) {
    for (const std::size_t rows : {1U, 2U, 3U, 17U, 150U})
      for (const std::size_t in : {1U, 2U, 31U, 33U, 65U, 256U, 257U, 389U, 800U})
        for (const std::size_t out : {1U, 15U, 32U, 67U})
          for (const WeightLayout layout : {WeightLayout::in_out, WeightLayout::out_in}) {
            const Factors f(rows, in, out);
            const Tensor y = product_of(f.packed(kernels, layout), f.view(), out);
            for (const std::size_t r : {std::size_t{0}, rows / 2, rows - 1})
              for (std::size_t o = 0; o < out; ++o) {
                const auto [sum, magnitude] = exact(f, r, o, layout);
                ASSERT_NEAR(static_cast<double>(y.matrix().row(r)[o]), sum, largest_error(in) * magnitude)
                    << rows << " x " << in << " x " << out << ", row " << r << ", column " << o;
              }
          }
  });
}

TEST_P(Bfloat16Product, SumsOfSmallWholeNumbersAreExact) {
  with_kernels([](const PanelKernels& kernels) {
    for (const std::size_t rows : {1U, 35U, 170U})
      for (const std::size_t in : {1U, 63U, 515U})
        for (const std::size_t out : {31U, 300U}) {
          Factors f(rows, in, out);
          for (std::vector<float>* numbers : {&f.x, &f.weights, &f.bias})
            for (float& number : *numbers) number = std::round(100 * number);
          const Tensor y = product_of(f.packed(kernels), f.view(), out);
          for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t o = 0; o < out; ++o)
              ASSERT_EQ(static_cast<double>(y.matrix().row(r)[o]), exact(f, r, o, WeightLayout::in_out).sum)
                  << rows << " x " << in << " x " << out << ", row " << r << ", column " << o;
        }
  });
}

TEST_P(Bfloat16Product, EachRowHasTheBitsThatItHasAlone) {
  with_kernels([](const PanelKernels& kernels) {
    for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{48, 144}, {301, 67}, {768, 40}}) {
      const Factors f(200, in, out);
      const PanelProduct product = f.packed(kernels);
      Tensor alone({f.rows, out});
      for (std::size_t r = 0; r < f.rows; ++r)
        product.multiply(f.view().rows_from(r, 1), alone.matrix().rows_from(r, 1));
      for (std::size_t count = 1; count <= f.rows; count += count < 40 ? 1 : 23) {
        const std::size_t first = (f.rows - count) / 2;
        const Tensor some = product_of(product, f.view().rows_from(first, count), out);
        ASSERT_TRUE(test::same_bits(some.values(), std::span<const float>(alone.matrix().row(first), some.size())))
            << count << " rows, " << in << " x " << out;
      }
    }
  });
}

TEST_P(Bfloat16Product, BitsAreTheSameOnAnyNumberOfThreads) {
  with_kernels([](const PanelKernels& kernels) {
    for (const std::size_t rows : {1U, 190U}) {
      const Factors f(rows, 515, 700);
      const PanelProduct product = f.packed(kernels);
      const auto on_threads = [&](int threads) {
        const ThreadScope scope(threads);
        return product_of(product, f.view(), f.out);
      };
      const Tensor one = on_threads(1);
      for (const int threads : {2, 3, 7}) {
        const Tensor several = on_threads(threads);
        ASSERT_TRUE(test::same_bits(several.values(), one.values())) << threads << " threads, " << rows << " rows";
      }
    }
  });
}

TEST_P(Bfloat16Product, WhatIsNotFiniteGoesThroughInItsRow) {
  with_kernels([](const PanelKernels& kernels) {
    const float infinity = std::numeric_limits<float>::infinity();
    for (const std::size_t in : {33U, 300U}) {
      Factors f(21, in, 40);
      const Tensor clean = product_of(f.packed(kernels), f.view(), f.out);
      f.x[2 * in + in - 1] = std::numeric_limits<float>::quiet_NaN();
      f.x[5 * in] = infinity;
      f.x[20 * in + in / 2] = -infinity;
      const Tensor y = product_of(f.packed(kernels), f.view(), f.out);
      for (std::size_t r = 0; r < f.rows; ++r)
        for (std::size_t o = 0; o < f.out; ++o) {
          const float now = y.matrix().row(r)[o];
          if (r == 2)
            ASSERT_TRUE(std::isnan(now));
          else if (r == 5 || r == 20)
            ASSERT_EQ(static_cast<double>(now), exact(f, r, o, WeightLayout::in_out).sum);
          else
            ASSERT_EQ(now, clean.matrix().row(r)[o]) << "row " << r;
        }
    }
  });
}

TEST_P(Bfloat16Product, WeightsThatAreNotFiniteStayInTheirColumn) {
  with_kernels([](const PanelKernels& kernels) {
    Factors f(19, 77, 40);
    const Tensor clean = product_of(f.packed(kernels), f.view(), f.out);
    f.weights[76 * f.out + 39] = std::numeric_limits<float>::quiet_NaN();
    const Tensor y = product_of(f.packed(kernels), f.view(), f.out);
    for (std::size_t r = 0; r < f.rows; ++r) {
      ASSERT_TRUE(std::isnan(y.matrix().row(r)[39]));
      for (std::size_t o = 0; o < 39; ++o) ASSERT_EQ(y.matrix().row(r)[o], clean.matrix().row(r)[o]);
    }
  });
}

TEST_P(Bfloat16Product, RowsMayBeStridedAndMisaligned) {
  with_kernels([](const PanelKernels& kernels) {
    for (const std::size_t in : {7U, 64U, 300U}) {
      const Factors f(50, in, 33, 5);
      std::vector<float> close;
      for (std::size_t r = 0; r < f.rows; ++r) close.insert(close.end(), f.view().row(r), f.view().row(r) + in);
      const PanelProduct product = f.packed(kernels);
      const Tensor expected = product_of(product, {close.data(), f.rows, in}, f.out);
      constexpr float kUntouched = 123;
      std::vector<float> wide(f.rows * 40 + 1, kUntouched);
      const MatrixView<float> y(wide.data() + 1, f.rows, f.out, 40);
      product.multiply(f.view(), y);
      EXPECT_EQ(wide[0], kUntouched);
      for (std::size_t r = 0; r < f.rows; ++r) {
        ASSERT_TRUE(test::same_bits(std::span<const float>(y.row_span(r)), expected.matrix().row_span(r)));
        for (std::size_t i = f.out; i < 40; ++i) ASSERT_EQ(y.row(r)[i], kUntouched) << "written between the rows";
      }
    }
  });
}

}  // namespace
}  // namespace stratoscope
