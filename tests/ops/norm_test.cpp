// Norms of whole rows and of their parts against the formulas in double, on every instruction set.
#include "stratoscope/ops/norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ops/targets.h"
#include "tests/support/compare.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

constexpr float kEps = 1e-5F;
constexpr std::size_t kWidths[] = {1, 3, 7, 8, 17, 33, 64, 100};

struct Norm {
  std::vector<double> normalized;
  double scale = 0;
};

Norm norm_of(NormKind kind, std::span<const float> x) {
  const auto n = static_cast<double>(x.size());
  double mean = 0, squares = 0;
  if (kind == NormKind::layer)
    for (const float value : x) mean += static_cast<double>(value) / n;
  for (const float value : x) squares += std::pow(static_cast<double>(value) - mean, 2) / n;
  Norm norm{{}, std::sqrt(squares + static_cast<double>(kEps))};
  for (const float value : x) norm.normalized.push_back((static_cast<double>(value) - mean) / norm.scale);
  return norm;
}

class Norms : public ::testing::TestWithParam<NormKind> {
 protected:
  // x is rows of `groups` parts of `width` numbers each.
  static void expect_normalized(std::vector<float> x, std::size_t width, std::size_t groups, double tolerance) {
    const std::size_t cols = width * groups, rows = x.size() / cols;
    x.insert(x.begin(), 0.0F);  // the rows begin off any vector's boundary
    std::vector<float> normalized(rows * (cols + 3)), scale(rows * (groups + 2));
    const MatrixView<const float> in(x.data() + 1, rows, cols);
    norm_statistics(GetParam(), in, kEps, {normalized.data(), rows, cols, cols + 3},
                    {scale.data(), rows, groups, groups + 2});
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t g = 0; g < groups; ++g) {
        const Norm expected = norm_of(GetParam(), in.row_span(r).subspan(g * width, width));
        EXPECT_NEAR(static_cast<double>(scale[r * (groups + 2) + g]) / expected.scale, 1, 1e-7);
        const std::span<const float> actual(normalized.data() + r * (cols + 3) + g * width, width);
        const auto error = test::largest_row_error(actual, std::span<const double>(expected.normalized), width);
        EXPECT_LE(error.relative, tolerance) << width << " numbers, group " << g << ", " << error.where();
      }
      for (std::size_t i = cols; i < cols + 3; ++i) EXPECT_EQ(normalized[r * (cols + 3) + i], 0.0F) << "beyond the row";
      for (std::size_t g = groups; g < groups + 2; ++g)
        EXPECT_EQ(scale[r * (groups + 2) + g], 0.0F) << "beyond the row";
    }
  }
};

TEST_P(Norms, AgreeWithTheFormulaForEveryWidth) {
  test::on_every_target([] {
    test::Random random(1);
    for (std::size_t cols = 1; cols <= 70; ++cols) expect_normalized(random.units(3 * cols), cols, 1, 1e-6);
    expect_normalized(random.units(2 * 768), 768, 1, 1e-6);
    for (const std::size_t width : kWidths)
      for (const std::size_t groups : {2U, 5U})
        expect_normalized(random.units(3 * width * groups), width, groups, 1e-6);
  });
}

TEST_P(Norms, OutliersAndExtremeValues) {
  test::on_every_target([] {
    test::Random random(2);
    auto outlier = random.units(97);
    outlier[41] = 3e4F;
    expect_normalized(outlier, 97, 1, 1e-6);
    expect_normalized(random.units(97, 1e-30F), 97, 1, 2e-6);
    expect_normalized(random.units(97, 1e30F), 97, 1, 2e-6);
    auto offset = random.units(97);  // a mean far from zero costs digits of the float32 input, no more
    for (float& value : offset) value += 1000;
    expect_normalized(offset, 97, 1, 1e-4);
  });
}

TEST_P(Norms, AGroupHasTheBitsOfARowOfItsOwn) {
  test::on_every_target([] {
    test::Random random(3);
    for (const std::size_t width : kWidths) {
      constexpr std::size_t kRows = 6, kGroups = 3;
      const std::size_t cols = kGroups * width, stride = cols + 5;
      // A strip of a wider matrix, written in place.
      auto wide = random.units(kRows * stride);
      const auto x = wide;
      std::vector<float> scale(kRows * kGroups);
      const MatrixView<float> strip(wide.data() + 2, kRows, cols, stride);
      norm_statistics(GetParam(), strip, kEps, strip, {scale.data(), kRows, kGroups});
      for (std::size_t r = 0; r < kRows; ++r)
        for (std::size_t g = 0; g < kGroups; ++g) {
          const std::size_t first = r * stride + 2 + g * width;
          std::vector<float> alone(width), by(width);
          float own_scale = 0;
          norm_statistics(GetParam(), {x.data() + first, 1, width}, kEps, {alone.data(), 1, width}, {&own_scale, 1, 1});
          normalize_by(GetParam(), {x.data() + first, 1, width}, {&own_scale, 1, 1}, {by.data(), 1, width});
          ASSERT_EQ(own_scale, scale[r * kGroups + g]);
          const std::span<const float> in_company(wide.data() + first, width);
          ASSERT_TRUE(test::same_bits(std::span<const float>(alone), in_company)) << width << " numbers";
          ASSERT_TRUE(test::same_bits(std::span<const float>(by), in_company)) << width << " numbers";
        }
      for (std::size_t i = 0; i < wide.size(); ++i)
        if (i % stride < 2 || i % stride >= 2 + cols) {
          ASSERT_EQ(wide[i], x[i]) << "beside the strip";
        }
    }
  });
}

TEST_P(Norms, AGivenDivisorIsUsedGroupByGroup) {
  test::on_every_target([] {
    test::Random random(4);
    for (const std::size_t width : kWidths) {
      const auto x = random.units(2 * 2 * width);
      const std::vector<float> scale = {2.0F, 0.5F, -4.0F, 8.0F};
      std::vector<float> y(x.size());
      normalize_by(GetParam(), {x.data(), 2, 2 * width}, {scale.data(), 2, 2}, {y.data(), 2, 2 * width});
      for (std::size_t g = 0; g < 4; ++g) {
        const auto part = std::span<const float>(x).subspan(g * width, width);
        double mean = 0;
        if (GetParam() == NormKind::layer)
          for (const float value : part) mean += static_cast<double>(value) / static_cast<double>(width);
        for (std::size_t i = 0; i < width; ++i)
          ASSERT_NEAR(static_cast<double>(y[g * width + i]),
                      (static_cast<double>(part[i]) - mean) / static_cast<double>(scale[g]), 3e-7);
      }
    }
  });
}

TEST_P(Norms, NotANumberStaysInItsGroup) {
  test::on_every_target([] {
    test::Random random(5);
    auto x = random.units(3 * 38);
    x[38 + 18] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> scale(6);
    norm_statistics(GetParam(), {x.data(), 3, 38}, kEps, {x.data(), 3, 38}, {scale.data(), 3, 2});
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(std::isnan(x[i]), i / 19 == 2) << i;
  });
}

INSTANTIATE_TEST_SUITE_P(All, Norms, ::testing::Values(NormKind::layer, NormKind::rms),
                         [](const auto& which) { return which.param == NormKind::layer ? "layer" : "rms"; });

TEST(LayerNorm, AConstantRowIsZeroAndItsScaleTheRootOfEps) {
  test::on_every_target([] {
    for (const float constant : {0.0F, 5.0F, -3e4F}) {
      std::vector<float> x(37, constant), normalized(37, 9.0F);
      float scale = 0;
      norm_statistics(NormKind::layer, {x.data(), 1, 37}, kEps, {normalized.data(), 1, 37}, {&scale, 1, 1});
      EXPECT_FLOAT_EQ(scale, std::sqrt(kEps));
      for (const float value : normalized) EXPECT_EQ(value, 0.0F) << constant;
    }
  });
}

TEST(NoNorm, CopiesAndItsScaleIsOne) {
  test::on_every_target([] {
    test::Random random(6);
    auto x = random.units(2 * 19);
    x[3] = -0.0F;
    std::vector<float> y(x.size()), scale(2);
    norm_statistics(NormKind::none, {x.data(), 2, 19}, kEps, {y.data(), 2, 19}, {scale.data(), 2, 1});
    EXPECT_TRUE(test::same_bits(std::span<const float>(x), std::span<const float>(y)));
    EXPECT_EQ(scale, (std::vector<float>{1, 1}));
  });
}

TEST(ScaleAndShift, MultipliesThenAddsWhatThereIs) {
  test::on_every_target([] {
    test::Random random(7);
    for (std::size_t cols = 1; cols <= 40; ++cols) {
      auto x = random.units(4 * cols);
      x[cols - 1] = -0.0F;
      const auto weight = random.units(cols), bias = random.units(cols);
      for (const float* w : {static_cast<const float*>(nullptr), weight.data()})
        for (const float* b : {static_cast<const float*>(nullptr), bias.data()}) {
          std::vector<float> y(4 * cols), in_place = x, expected = x;
          for (std::size_t i = 0; i < y.size(); ++i) {
            if (w != nullptr) expected[i] = expected[i] * w[i % cols];
            if (b != nullptr) expected[i] = expected[i] + b[i % cols];
          }
          scale_and_shift({x.data(), 4, cols}, w, b, {y.data(), 4, cols});
          scale_and_shift({in_place.data(), 4, cols}, w, b, {in_place.data(), 4, cols});
          ASSERT_TRUE(test::same_bits(std::span<const float>(y), std::span<const float>(expected))) << cols;
          ASSERT_TRUE(test::same_bits(std::span<const float>(in_place), std::span<const float>(expected))) << cols;
        }
    }
  });
}

}  // namespace
}  // namespace stratoscope
