// Choosing tokens: greedy, cut by top-k and top-p, and as often as their probabilities say.
#include "stratoscope/probe/sampling.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::refuses;

// log of 0.5, 0.25, 0.15, 0.1, in another order
const std::array<float, 4> kLogits = {std::log(0.15F), std::log(0.5F), std::log(0.1F), std::log(0.25F)};

std::array<double, 4> frequencies(const SamplingOptions& options) {
  constexpr int kDraws = 20000;
  Sampler sampler(options);
  std::array<double, 4> counts{};
  for (int i = 0; i < kDraws; ++i)
    counts[static_cast<std::size_t>(sampler.next(std::span<const float>(kLogits)))] += 1.0 / kDraws;
  return counts;
}

void expect_frequencies(const SamplingOptions& options, const std::array<double, 4>& expected) {
  const auto actual = frequencies(options);
  for (std::size_t i = 0; i < 4; ++i) {
    if (expected[i] == 0)
      EXPECT_EQ(actual[i], 0);
    else
      EXPECT_NEAR(actual[i], expected[i], 0.015) << i;
  }
}

TEST(Sampling, TemperatureZeroIsTheLikeliestAndTiesGoToTheLowerId) {
  EXPECT_EQ(Sampler({}).next(std::span<const float>(kLogits)), 1);
  const std::vector<double> ties = {1, 3, 3, 2};
  EXPECT_EQ(Sampler({}).next(std::span<const double>(ties)), 1);
}

TEST(Sampling, FrequenciesAreTheProbabilities) {
  expect_frequencies({1, 0, 1, 5}, {0.15, 0.5, 0.1, 0.25});
  // At temperature 1/2 probabilities are squared: 0.0225, 0.25, 0.01, 0.0625 of 0.345.
  expect_frequencies({0.5, 0, 1, 6}, {0.0225 / 0.345, 0.25 / 0.345, 0.01 / 0.345, 0.0625 / 0.345});
}

TEST(Sampling, TopKAndTopPKeepTheLikeliest) {
  expect_frequencies({1, 2, 1, 7}, {0, 2.0 / 3, 0, 1.0 / 3});
  expect_frequencies({1, 0, 0.7, 8}, {0, 2.0 / 3, 0, 1.0 / 3});   // 0.5 is not enough, 0.75 is
  expect_frequencies({1, 0, 0.5, 9}, {0, 1, 0, 0});               // exactly enough
  expect_frequencies({1, 0, 1e-9, 10}, {0, 1, 0, 0});             // never none
  expect_frequencies({1, 3, 0.8, 11}, {0, 2.0 / 3, 0, 1.0 / 3});  // of the three kept, 0.75 / 0.9 is above 0.8
  expect_frequencies({1, 100, 1, 12}, {0.15, 0.5, 0.1, 0.25});
}

TEST(Sampling, TheSeedDecides) {
  const auto draws = [](std::uint64_t seed) {
    Sampler sampler({1, 0, 1, seed});
    std::vector<std::int32_t> ids(40);
    for (std::int32_t& id : ids) id = sampler.next(std::span<const float>(kLogits));
    return ids;
  };
  EXPECT_EQ(draws(3), draws(3));
  EXPECT_NE(draws(3), draws(4));
}

TEST(Sampling, Refusals) {
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(refuses([] { Sampler({-1, 0, 1, 0}); }, "the temperature must be 0 or more"));
  EXPECT_TRUE(refuses([] { Sampler({std::nan(""), 0, 1, 0}); }, "the temperature must be 0 or more"));
  EXPECT_TRUE(refuses([] { Sampler({1, 0, 0, 0}); }, "top-p must be above 0"));
  EXPECT_TRUE(refuses([] { Sampler({1, 0, 1.1, 0}); }, "top-p must be above 0"));
  const std::vector<float> broken(3, std::nanf("")), infinite = {0, inf, 1};
  EXPECT_TRUE(refuses([&] { Sampler({}).next(std::span<const float>(broken)); }, "the logits are not finite"));
  EXPECT_TRUE(refuses([&] { Sampler({}).next(std::span<const float>(infinite)); }, "the logits are not finite"));
  const std::vector<float> partly = {std::nanf(""), 1, -inf};
  for (const double temperature : {0.0, 1.0})
    EXPECT_EQ(Sampler({temperature, 0, 1, 0}).next(std::span<const float>(partly)), 1);
}

}  // namespace
}  // namespace stratoscope
