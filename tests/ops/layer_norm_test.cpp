// Layer norm against its formula in double, on every instruction set.
#include "stratoscope/ops/layer_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ops/targets.h"
#include "tests/support/compare.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

constexpr float kEps = 1e-5F;

struct Norm {
  std::vector<double> normalized;
  double scale = 0;
};

Norm norm_of(std::span<const float> x) {
  const auto n = static_cast<double>(x.size());
  double mean = 0, variance = 0;
  for (const float value : x) mean += static_cast<double>(value) / n;
  for (const float value : x) variance += std::pow(static_cast<double>(value) - mean, 2) / n;
  Norm norm{{}, std::sqrt(variance + static_cast<double>(kEps))};
  for (const float value : x) norm.normalized.push_back((static_cast<double>(value) - mean) / norm.scale);
  return norm;
}

void expect_normalized(std::vector<float> x, std::size_t cols, double tolerance) {
  const std::size_t rows = x.size() / cols;
  x.insert(x.begin(), 0.0F);  // the rows begin off any vector's boundary
  std::vector<float> normalized(rows * (cols + 3)), scale(rows);
  const MatrixView<const float> in(x.data() + 1, rows, cols);
  layer_norm_statistics(in, kEps, {normalized.data(), rows, cols, cols + 3}, scale.data());
  for (std::size_t r = 0; r < rows; ++r) {
    const Norm expected = norm_of(in.row_span(r));
    EXPECT_NEAR(static_cast<double>(scale[r]) / expected.scale, 1, 1e-7);
    const std::span<const float> actual(normalized.data() + r * (cols + 3), cols);
    const auto error = test::largest_row_error(actual, std::span<const double>(expected.normalized), cols);
    EXPECT_LE(error.relative, tolerance) << cols << " columns, " << error.where();
    for (std::size_t i = cols; i < cols + 3; ++i) EXPECT_EQ(normalized[r * (cols + 3) + i], 0.0F) << "beyond the row";
  }
}

TEST(LayerNorm, AgreesWithTheFormulaForEveryWidth) {
  test::on_every_target([] {
    test::Random random(1);
    for (std::size_t cols = 1; cols <= 70; ++cols) expect_normalized(random.units(3 * cols), cols, 1e-6);
    expect_normalized(random.units(2 * 768), 768, 1e-6);
  });
}

TEST(LayerNorm, OutliersAndTinyValues) {
  test::on_every_target([] {
    test::Random random(2);
    auto outlier = random.units(97);
    outlier[41] = 3e4F;
    expect_normalized(outlier, 97, 1e-6);
    expect_normalized(random.units(97, 1e-30F), 97, 2e-6);
    auto offset = random.units(97);  // a mean far from zero costs digits of the float32 input, no more
    for (float& value : offset) value += 1000;
    expect_normalized(offset, 97, 1e-4);
  });
}

TEST(LayerNorm, AConstantRowIsZeroAndItsScaleTheRootOfEps) {
  test::on_every_target([] {
    for (const float constant : {0.0F, 5.0F, -3e4F}) {
      std::vector<float> x(37, constant), normalized(37, 9.0F);
      float scale = 0;
      layer_norm_statistics({x.data(), 1, 37}, kEps, {normalized.data(), 1, 37}, &scale);
      EXPECT_FLOAT_EQ(scale, std::sqrt(kEps));
      for (const float value : normalized) EXPECT_EQ(value, 0.0F) << constant;
    }
  });
}

TEST(LayerNorm, ARowsBitsAreItsOwnAndItMayBeWrittenInPlace) {
  test::on_every_target([] {
    test::Random random(3);
    const auto x = random.units(9 * 53);
    std::vector<float> all(x.size()), scale(9), in_place = x, one(53), one_scale(1);
    layer_norm_statistics({x.data(), 9, 53}, kEps, {all.data(), 9, 53}, scale.data());
    layer_norm_statistics({in_place.data(), 9, 53}, kEps, {in_place.data(), 9, 53}, scale.data());
    EXPECT_EQ(in_place, all);
    layer_norm_statistics({x.data() + 4 * 53, 1, 53}, kEps, {one.data(), 1, 53}, one_scale.data());
    EXPECT_TRUE(std::equal(one.begin(), one.end(), all.begin() + 4 * 53));
    EXPECT_EQ(one_scale[0], scale[4]);
  });
}

TEST(LayerNorm, NotANumberStaysInItsRow) {
  test::on_every_target([] {
    test::Random random(4);
    auto x = random.units(3 * 19);
    x[19 + 18] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> scale(3);
    layer_norm_statistics({x.data(), 3, 19}, kEps, {x.data(), 3, 19}, scale.data());
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(std::isnan(x[i]), i / 19 == 1) << i;
  });
}

TEST(ScaleAndShift, MultipliesThenAdds) {
  test::on_every_target([] {
    test::Random random(5);
    for (std::size_t cols = 1; cols <= 40; ++cols) {
      const auto x = random.units(4 * cols), weight = random.units(cols), bias = random.units(cols);
      std::vector<float> y(4 * cols);
      scale_and_shift({x.data(), 4, cols}, weight.data(), bias.data(), {y.data(), 4, cols});
      for (std::size_t i = 0; i < y.size(); ++i) {
        const float scaled = x[i] * weight[i % cols];
        ASSERT_EQ(y[i], scaled + bias[i % cols]) << cols << " columns";
      }
    }
  });
}

}  // namespace
}  // namespace stratoscope
