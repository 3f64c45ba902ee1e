// Scores, softmax and the mix of values against their formulas in double, on every instruction set.
#include "stratoscope/ops/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "tests/ops/targets.h"
#include "tests/support/compare.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kHeadSizes[] = {1, 5, 33, 64};
constexpr std::size_t kKeyCounts[] = {1, 2, 7, 16, 17, 49, 64, 127, 130};

// q, k and v of one head among others: rows lie further apart than d_head, and off any boundary.
struct Head {
  std::size_t keys, d_head, stride;
  std::vector<float> q, k, v;

  Head(std::size_t key_count, std::size_t size) : keys(key_count), d_head(size), stride(size + 2) {
    test::Random random(keys * 100 + d_head);
    q = random.units(keys * stride + 1);
    k = random.units(keys * stride + 1);
    v = random.units(keys * stride + 1);
  }
  MatrixView<const float> view(const std::vector<float>& x) const { return {x.data() + 1, keys, d_head, stride}; }
};

double dot(const float* a, const float* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

TEST(Attention, EveryInstructionSetIsReallyTried) {
  const Head head(1, 1);
  std::set<std::size_t> capacities;  // whole vectors: as long as the instruction set's
  test::on_every_target(
      [&] { capacities.insert(HeadKeysValues(head.view(head.k), head.view(head.v)).row_capacity()); });
  const HeadKeysValues usual(head.view(head.k), head.view(head.v));
  EXPECT_EQ(*capacities.rbegin(), usual.row_capacity());
  if (usual.row_capacity() > 4) {
    EXPECT_TRUE(capacities.contains(4));
  }
}

TEST(Attention, ScoresAreScaledProducts) {
  test::on_every_target([] {
    for (const std::size_t d_head : kHeadSizes)
      for (const std::size_t keys : kKeyCounts) {
        const Head head(keys, d_head);
        const HeadKeysValues keys_values(head.view(head.k), head.view(head.v));
        ASSERT_EQ(keys_values.keys(), keys);
        ASSERT_GE(keys_values.row_capacity(), keys);
        Tensor scores({keys, keys_values.row_capacity()});
        keys_values.scores(head.view(head.q), 0.37F, 0, scores.matrix());
        for (std::size_t i = 0; i < keys; ++i)
          for (std::size_t j = 0; j <= i; ++j) {
            const double expected = 0.37 * dot(head.view(head.q).row(i), head.view(head.k).row(j), d_head);
            ASSERT_NEAR(static_cast<double>(scores.matrix().row(i)[j]), expected, 2e-6 * std::sqrt(d_head))
                << keys << " keys of " << d_head << ", query " << i << ", key " << j;
          }
      }
  });
}

TEST(Attention, MixIsTheWeightedSumOfTheKeysSeen) {
  test::on_every_target([] {
    for (const std::size_t d_head : kHeadSizes)
      for (const std::size_t keys : kKeyCounts) {
        const Head head(keys, d_head);
        const HeadKeysValues keys_values(head.view(head.k), head.view(head.v));
        test::Random random(3);
        Tensor pattern({keys, keys_values.row_capacity()});
        for (float& share : pattern.values()) share = random.unit();
        std::vector<float> wide(keys * (d_head + 3), 5.0F);
        keys_values.mix(pattern.matrix(), 0, {wide.data(), keys, d_head, d_head + 3});
        for (std::size_t i = 0; i < keys; ++i) {
          for (std::size_t d = 0; d < d_head; ++d) {
            double expected = 0;
            for (std::size_t j = 0; j <= i; ++j)
              expected +=
                  static_cast<double>(pattern.matrix().row(i)[j]) * static_cast<double>(head.view(head.v).row(j)[d]);
            ASSERT_NEAR(static_cast<double>(wide[i * (d_head + 3) + d]), expected, 1e-5)
                << keys << " keys, query " << i;
          }
          for (std::size_t d = d_head; d < d_head + 3; ++d)
            ASSERT_EQ(wide[i * (d_head + 3) + d], 5.0F) << "written between the rows";
        }
      }
  });
}

TEST(Attention, AQuerysBitsDependOnItselfAlone) {
  test::on_every_target([] {
    for (const std::size_t d_head : kHeadSizes) {
      const Head head(67, d_head);
      const HeadKeysValues all(head.view(head.k), head.view(head.v));
      Tensor scores({67, all.row_capacity()}), z({67, d_head});
      all.scores(head.view(head.q), 0.5F, 0, scores.matrix());
      for (std::size_t i = 0; i < 67; ++i) softmax_row(scores.matrix().row(i), i + 1);
      all.mix(scores.matrix(), 0, z.matrix());
      for (const std::size_t count : {1U, 3U, 4U, 30U}) {
        for (const std::size_t first : {0U, 1U, 18U, 37U}) {
          // Some of the queries, and no keys behind the last of them.
          const std::size_t seen = first + count;
          const HeadKeysValues some(head.view(head.k).rows_from(0, seen), head.view(head.v).rows_from(0, seen));
          Tensor part({count, some.row_capacity()}), part_z({count, d_head});
          some.scores(head.view(head.q).rows_from(first, count), 0.5F, first, part.matrix());
          for (std::size_t i = 0; i < count; ++i) softmax_row(part.matrix().row(i), first + i + 1);
          some.mix(part.matrix(), first, part_z.matrix());
          for (std::size_t i = 0; i < count; ++i) {
            const std::size_t valid = first + i + 1;
            ASSERT_TRUE(test::same_bits(std::span<const float>(part.matrix().row(i), valid),
                                        std::span<const float>(scores.matrix().row(first + i), valid)));
            ASSERT_TRUE(test::same_bits(std::span<const float>(part_z.matrix().row_span(i)),
                                        std::span<const float>(z.matrix().row_span(first + i))))
                << "d_head " << d_head << ", " << count << " queries from " << first << ", query " << i;
          }
        }
      }
    }
  });
}

TEST(Attention, WhatAQueryCannotSeeCannotReachIt) {
  test::on_every_target([] {
    for (const float poison : {std::numeric_limits<float>::quiet_NaN(), kInfinity}) {
      Head head(23, 33);
      const auto attend = [&] {
        const HeadKeysValues keys_values(head.view(head.k), head.view(head.v));
        Tensor rows({23, keys_values.row_capacity()}), z({23, 33});
        keys_values.scores(head.view(head.q), 1.0F, 0, rows.matrix());
        for (std::size_t i = 0; i < 23; ++i) softmax_row(rows.matrix().row(i), i + 1);
        keys_values.mix(rows.matrix(), 0, z.matrix());
        return z;
      };
      const Tensor clean = attend();
      for (std::size_t d = 0; d < 33; ++d) head.k[1 + 14 * head.stride + d] = head.v[1 + 14 * head.stride + d] = poison;
      const Tensor poisoned = attend();
      for (std::size_t i = 0; i < 23; ++i)
        for (std::size_t d = 0; d < 33; ++d) {
          if (i < 14)
            ASSERT_EQ(poisoned.matrix().row(i)[d], clean.matrix().row(i)[d]) << "query " << i;
          else
            ASSERT_FALSE(std::isfinite(poisoned.matrix().row(i)[d])) << "query " << i << " hides it";
        }
    }
  });
}

TEST(Softmax, AgreesWithTheFormulaAndTouchesNothingBeyond) {
  test::on_every_target([] {
    for (const float scale : {1e-3F, 1.0F, 30.0F, 1e4F, 1e30F})
      for (std::size_t valid = 1; valid <= 130; ++valid) {
        test::Random random(valid);
        auto row = random.units(valid + 4, scale);
        const auto x = row;
        softmax_row(row.data() + 1, valid);
        const double top =
            static_cast<double>(*std::max_element(x.begin() + 1, x.begin() + 1 + static_cast<std::ptrdiff_t>(valid)));
        double total = 0, sum = 0;
        for (std::size_t i = 0; i < valid; ++i) total += std::exp(static_cast<double>(x[i + 1]) - top);
        for (std::size_t i = 0; i < valid; ++i) {
          ASSERT_NEAR(static_cast<double>(row[i + 1]), std::exp(static_cast<double>(x[i + 1]) - top) / total,
                      scale > 100 ? 1e-3 : 5e-6)
              << valid << " numbers of size " << scale;
          sum += static_cast<double>(row[i + 1]);
        }
        ASSERT_NEAR(sum, 1, 1e-6);
        ASSERT_EQ(row[0], x[0]);
        for (std::size_t i = valid + 1; i < row.size(); ++i) ASSERT_EQ(row[i], x[i]) << "beyond " << valid;
      }
  });
}

TEST(Softmax, SpecialRows) {
  test::on_every_target([] {
    for (const std::size_t n : {1U, 3U, 8U, 31U}) {
      for (const float value : {0.0F, 88.0F, -1e30F, 3e38F}) {
        std::vector<float> equal(n, value);
        softmax_row(equal.data(), n);
        for (const float share : equal) EXPECT_FLOAT_EQ(share, 1.0F / static_cast<float>(n)) << value;
      }
      std::vector<float> hidden(n + 1, -kInfinity);
      hidden[n / 2] = 2.0F;
      softmax_row(hidden.data(), n + 1);
      for (std::size_t i = 0; i <= n; ++i) EXPECT_EQ(hidden[i], i == n / 2 ? 1.0F : 0.0F);
      std::vector<float> broken(n, 1.0F);
      broken[n - 1] = std::numeric_limits<float>::quiet_NaN();
      softmax_row(broken.data(), n);
      for (const float share : broken) EXPECT_TRUE(std::isnan(share)) << "a NaN is hidden among " << n;
    }
  });
}

}  // namespace
}  // namespace stratoscope
