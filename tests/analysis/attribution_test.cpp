// The parts of a logit add up to it: random vectors through a norm whose scale is held, against the norm itself.
#include "stratoscope/analysis/attribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

std::vector<double> numbers(test::Random& random, std::size_t count) {
  const auto units = random.units(count);
  return {units.begin(), units.end()};
}

std::span<const double> read_only(const std::vector<double>& values) { return values; }

struct Norm {
  std::vector<double> weight, bias, unembedding;
};

Norm random_norm(test::Random& random, std::size_t width) {
  return {numbers(random, width), numbers(random, width), numbers(random, width)};
}

// ((x - mean) / scale * weight + bias) . unembedding, as written.
double logit(const Norm& norm, const std::vector<double>& x, double scale) {
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += ((x[i] - mean) / scale * norm.weight[i] + norm.bias[i]) * norm.unembedding[i];
  return sum;
}

TEST(Attribution, PartsSumToTheLogit) {
  test::Random random(1);
  for (const std::size_t width : {1U, 7U, 96U}) {
    const Norm norm = random_norm(random, width);
    std::vector<double> total(width);
    std::vector<std::vector<double>> parts;
    for (int i = 0; i < 9; ++i) {
      parts.push_back(numbers(random, width));
      for (std::size_t k = 0; k < width; ++k) total[k] += parts.back()[k];
    }
    const Readout readout = hold_scale(NormKind::layer, norm.weight, norm.bias, norm.unembedding, 1.7);
    double sum = readout.constant;
    for (const auto& part : parts) sum += contribution(readout, read_only(part));
    EXPECT_NEAR(sum, logit(norm, total, 1.7), 1e-12) << width;
  }
}

TEST(Attribution, AShiftOfAllNumbersGivesNothing) {
  test::Random random(2);
  const Norm norm = random_norm(random, 24);
  const Readout readout = hold_scale(NormKind::layer, norm.weight, norm.bias, norm.unembedding, 0.3);
  EXPECT_NEAR(contribution(readout, read_only(std::vector<double>(24, 5.0))), 0, 1e-12)
      << "the norm takes the mean off";
}

TEST(Attribution, HeadsNeuronsAndSourcesAddUp) {
  test::Random random(3);
  const std::size_t width = 12, heads = 3, d_head = 4, positions = 5;
  const Norm norm = random_norm(random, width);
  const Readout readout = hold_scale(NormKind::layer, norm.weight, norm.bias, norm.unembedding, 2.1);
  const auto w_o = numbers(random, width * width), values = numbers(random, positions * width);
  const auto patterns = numbers(random, heads * positions);
  std::vector<double> z(width), attn_out(width);
  for (std::size_t i = 0; i < width; ++i)
    for (std::size_t p = 0; p < positions; ++p) z[i] += patterns[i / d_head * positions + p] * values[p * width + i];
  for (std::size_t i = 0; i < width; ++i)
    for (std::size_t j = 0; j < width; ++j) attn_out[j] += z[i] * w_o[i * width + j];
  const double whole = contribution(readout, read_only(attn_out));

  const auto per_unit = contribution_per_unit(readout, MatrixView<const double>(w_o.data(), width, width));
  const auto by_unit = contributions(read_only(z), per_unit);
  EXPECT_NEAR(std::accumulate(by_unit.begin(), by_unit.end(), 0.0), whole, 1e-12);
  const auto by_head = contributions(read_only(z), per_unit, d_head);
  ASSERT_EQ(by_head.size(), heads);
  EXPECT_NEAR(std::accumulate(by_head.begin(), by_head.end(), 0.0), whole, 1e-12);
  for (std::size_t head = 0; head < heads; ++head) {
    const MatrixView<const double> v(values.data() + head * d_head, positions, d_head, width);
    const auto by_source = contributions_by_source(read_only(patterns).subspan(head * positions, positions), v,
                                                   read_only(per_unit).subspan(head * d_head, d_head));
    ASSERT_EQ(by_source.size(), positions);
    EXPECT_NEAR(std::accumulate(by_source.begin(), by_source.end(), 0.0), by_head[head], 1e-12) << head;
  }
}

}  // namespace
}  // namespace stratoscope
