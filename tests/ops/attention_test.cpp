// Scores, their cap and slopes, softmax and the mix of values against their formulas in double, on every instruction
// set.
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
constexpr std::size_t kWindows[] = {0, 1, 2, 3, 4, 5, 16, 17, 33, 64, 129, 200};  // 0 sees everything

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

// The first key that query `i` sees: a key is visible if it lies less than a window before its query.
std::size_t first_seen(std::size_t query, std::size_t window) {
  std::size_t first = 0;
  while (window != 0 && query - first >= window) ++first;
  return first;
}

double dot(const float* a, const float* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// Some queries of a head, from scores to z.
struct Attended {
  Tensor scores, pattern, z;

  Attended(std::size_t count, std::size_t capacity, std::size_t d_head)
      : scores({count, capacity}), pattern({count, capacity}), z({count, d_head}) {
    for (Tensor* tensor : {&scores, &pattern}) std::fill_n(tensor->data(), tensor->size(), 7.0F);
  }
  // `first` is the position of the first query.
  void softmax(KeyWindow window, std::size_t first) {
    for (std::size_t i = 0; i < scores.shape()[0]; ++i) {
      std::copy_n(scores.matrix().row(i), first + i + 1, pattern.matrix().row(i));
      softmax_row(pattern.matrix().row(i), window.first_key(first + i), first + i + 1);
    }
  }
};

// No keys are held past the last of the queries.
Attended attend(const Head& head, KeyWindow window, std::size_t first, std::size_t count) {
  const HeadKeysValues keys_values(head.view(head.k).rows_from(0, first + count),
                                   head.view(head.v).rows_from(0, first + count));
  Attended attended(count, keys_values.row_capacity(), head.d_head);
  keys_values.scores(head.view(head.q).rows_from(first, count), 0.5F, first, window, attended.scores.matrix());
  attended.softmax(window, first);
  keys_values.mix(attended.pattern.matrix(), first, window, attended.z.matrix());
  return attended;
}

// Row i of one against row j of the other, which is query j of the text.
::testing::AssertionResult same_query(const Attended& one, std::size_t i, const Attended& other, std::size_t j,
                                      std::size_t window) {
  const std::size_t first = first_seen(j, window), seen = j + 1 - first;
  const auto part = [&](const Tensor& rows, std::size_t row) {
    return rows.matrix().row_span(row).subspan(first, seen);
  };
  if (!test::same_bits(part(one.scores, i), part(other.scores, j))) return ::testing::AssertionFailure() << "scores";
  if (!test::same_bits(part(one.pattern, i), part(other.pattern, j))) return ::testing::AssertionFailure() << "pattern";
  if (!test::same_bits(one.z.matrix().row_span(i), other.z.matrix().row_span(j)))
    return ::testing::AssertionFailure() << "z";
  return ::testing::AssertionSuccess();
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

TEST(Attention, AWindowIsItsOwnKeyAndThoseBefore) {
  for (const std::size_t size : kWindows)
    for (std::size_t query = 0; query < 140; ++query)
      ASSERT_EQ(KeyWindow{size}.first_key(query), first_seen(query, size)) << size << " keys, query " << query;
}

TEST(Attention, ScoresAreScaledProducts) {
  test::on_every_target([] {
    for (const std::size_t d_head : kHeadSizes)
      for (const std::size_t keys : kKeyCounts) {
        const Head head(keys, d_head);
        const HeadKeysValues keys_values(head.view(head.k), head.view(head.v));
        ASSERT_EQ(keys_values.keys(), keys);
        ASSERT_GE(keys_values.row_capacity(), keys);
        for (const std::size_t window : kWindows) {
          Tensor scores = Tensor::zeros({keys, keys_values.row_capacity()});
          keys_values.scores(head.view(head.q), 0.37F, 0, {window}, scores.matrix());
          for (std::size_t i = 0; i < keys; ++i)
            for (std::size_t j = first_seen(i, window); j <= i; ++j) {
              const double expected = 0.37 * dot(head.view(head.q).row(i), head.view(head.k).row(j), d_head);
              ASSERT_NEAR(static_cast<double>(scores.matrix().row(i)[j]), expected, 2e-6 * std::sqrt(d_head))
                  << keys << " keys of " << d_head << ", window " << window << ", query " << i << ", key " << j;
            }
        }
      }
  });
}

TEST(Attention, ScoresThatNoRowOfABlockSeesAreNotComputed) {
  test::on_every_target([] {
    const Head head(200, 5);
    const HeadKeysValues keys_values(head.view(head.k), head.view(head.v));
    Tensor scores({4, keys_values.row_capacity()});
    std::fill_n(scores.data(), scores.size(), 9.0F);
    keys_values.scores(head.view(head.q).rows_from(100, 4), 1, 100, {20}, scores.matrix());
    for (std::size_t r = 0; r < 4; ++r) {
      for (std::size_t j = 0; j < 64; ++j) ASSERT_EQ(scores.matrix().row(r)[j], 9.0F) << "before the window, key " << j;
      for (std::size_t j = 152; j < 200; ++j)
        ASSERT_EQ(scores.matrix().row(r)[j], 9.0F) << "after the query, key " << j;
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
        for (const std::size_t window : kWindows) {
          std::vector<float> wide(keys * (d_head + 3), 5.0F);
          keys_values.mix(pattern.matrix(), 0, {window}, {wide.data(), keys, d_head, d_head + 3});
          for (std::size_t i = 0; i < keys; ++i) {
            for (std::size_t d = 0; d < d_head; ++d) {
              double expected = 0;
              for (std::size_t j = first_seen(i, window); j <= i; ++j)
                expected +=
                    static_cast<double>(pattern.matrix().row(i)[j]) * static_cast<double>(head.view(head.v).row(j)[d]);
              ASSERT_NEAR(static_cast<double>(wide[i * (d_head + 3) + d]), expected, 1e-5)
                  << keys << " keys, window " << window << ", query " << i;
            }
            for (std::size_t d = d_head; d < d_head + 3; ++d)
              ASSERT_EQ(wide[i * (d_head + 3) + d], 5.0F) << "written between the rows";
          }
        }
      }
  });
}

TEST(Attention, AQuerysBitsDependOnItselfAlone) {
  test::on_every_target([] {
    for (const std::size_t d_head : kHeadSizes) {
      const Head head(67, d_head);
      for (const std::size_t window : kWindows) {
        const Attended all = attend(head, {window}, 0, 67);
        for (const std::size_t count : {1U, 3U, 4U, 30U})
          for (const std::size_t first : {0U, 1U, 18U, 37U}) {
            const Attended some = attend(head, {window}, first, count);
            for (std::size_t i = 0; i < count; ++i)
              ASSERT_TRUE(same_query(some, i, all, first + i, window))
                  << "d_head " << d_head << ", " << count << " queries from " << first << ", query " << i;
          }
      }
    }
  });
}

// As in a partial run: the first keys are held apart from the others, and the queries among the others see both.
TEST(Attention, KeysInTwoPartsGiveTheBitsOfTheWhole) {
  test::on_every_target([] {
    for (const std::size_t d_head : {5U, 33U, 64U}) {
      const Head head(67, d_head);
      const HeadKeysValues whole(head.view(head.k), head.view(head.v));
      for (const std::size_t window : kWindows) {
        const Attended all = attend(head, {window}, 0, 67);
        for (const std::size_t split : {1U, 3U, 16U, 40U, 66U}) {
          const std::size_t own_keys = 67 - split;
          const HeadKeysValues own(head.view(head.k).rows_from(split, own_keys),
                                   head.view(head.v).rows_from(split, own_keys));
          for (const std::size_t first : {split, (split + 67) / 2}) {
            const std::size_t count = 67 - first;
            const auto q = head.view(head.q).rows_from(first, count);
            Attended parts(count, std::max(whole.row_capacity(), split + own.row_capacity()), d_head);
            const auto scores = parts.scores.matrix(), pattern = parts.pattern.matrix();
            const auto own_scores = scores.cols_from(split, scores.cols - split);
            whole.scores_of_first(split, q, 0.5F, first, {window}, scores);
            own.scores(q, 0.5F, first - split, {window}, own_scores);
            parts.softmax({window}, first);
            Tensor z = Tensor::zeros({count, own.padded_head()});
            whole.add_mix_of_first(split, pattern, first, {window}, z.matrix());
            own.add_mix(pattern.cols_from(split, pattern.cols - split), first - split, {window}, z.matrix());
            for (std::size_t i = 0; i < count; ++i) std::copy_n(z.matrix().row(i), d_head, parts.z.matrix().row(i));
            for (std::size_t i = 0; i < count; ++i)
              ASSERT_TRUE(same_query(parts, i, all, first + i, window))
                  << "d_head " << d_head << ", split at " << split << ", query " << first + i;
          }
        }
      }
    }
  });
}

TEST(Attention, AWindowIsAMaskedSoftmax) {
  test::on_every_target([] {
    const Head head(130, 33);
    for (const std::size_t window : kWindows) {
      const Attended actual = attend(head, {window}, 0, 130);
      for (std::size_t i = 0; i < 130; ++i) {
        std::vector<double> shares(130), z(33);
        double total = 0;
        for (std::size_t j = 0; j < 130; ++j) {
          const bool seen = j <= i && (window == 0 || j + window > i);
          shares[j] = seen ? std::exp(0.5 * dot(head.view(head.q).row(i), head.view(head.k).row(j), 33)) : 0;
          total += shares[j];
        }
        for (std::size_t j = 0; j < 130; ++j)
          for (std::size_t d = 0; d < 33; ++d)
            z[d] += shares[j] / total * static_cast<double>(head.view(head.v).row(j)[d]);
        for (std::size_t d = 0; d < 33; ++d)
          ASSERT_NEAR(static_cast<double>(actual.z.matrix().row(i)[d]), z[d], 3e-6)
              << "window " << window << ", query " << i;
      }
    }
  });
}

TEST(Attention, WhatAQueryCannotSeeCannotReachIt) {
  test::on_every_target([] {
    for (const float poison : {std::numeric_limits<float>::quiet_NaN(), kInfinity})
      for (const std::size_t window : {0U, 1U, 2U, 3U, 7U}) {
        Head head(29, 33);
        const Attended clean = attend(head, {window}, 0, 29);
        for (std::size_t d = 0; d < 33; ++d)
          head.k[1 + 14 * head.stride + d] = head.v[1 + 14 * head.stride + d] = poison;
        const Attended poisoned = attend(head, {window}, 0, 29);
        for (std::size_t i = 0; i < 29; ++i) {
          const bool sees = i >= 14 && (window == 0 || i - 14 < window);
          for (std::size_t d = 0; d < 33; ++d) {
            if (sees)
              ASSERT_FALSE(std::isfinite(poisoned.z.matrix().row(i)[d])) << "query " << i << " hides it";
            else
              ASSERT_EQ(poisoned.z.matrix().row(i)[d], clean.z.matrix().row(i)[d]) << "query " << i;
          }
        }
      }
  });
}

TEST(Attention, NoRowsAreNoWork) {
  const Head head(5, 3);
  const HeadKeysValues keys_values(head.view(head.k), head.view(head.v));
  Tensor rows({0, keys_values.row_capacity()}), z({0, 3});
  keys_values.scores(head.view(head.q).rows_from(0, 0), 1, 5, {2}, rows.matrix());
  keys_values.mix(rows.matrix(), 5, {2}, z.matrix());
}

TEST(Softmax, AgreesWithTheFormulaAndTouchesNothingBeyond) {
  test::on_every_target([] {
    for (const float scale : {1e-3F, 1.0F, 30.0F, 1e4F, 1e30F})
      for (std::size_t valid = 1; valid <= 130; ++valid) {
        test::Random random(valid);
        auto row = random.units(valid + 4, scale);
        const auto x = row;
        softmax_row(row.data(), 1, valid + 1);
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
        softmax_row(equal.data(), 0, n);
        for (const float share : equal) EXPECT_FLOAT_EQ(share, 1.0F / static_cast<float>(n)) << value;
      }
      std::vector<float> hidden(n + 1, -kInfinity);
      hidden[n / 2] = 2.0F;
      softmax_row(hidden.data(), 0, n + 1);
      for (std::size_t i = 0; i <= n; ++i) EXPECT_EQ(hidden[i], i == n / 2 ? 1.0F : 0.0F);
      std::vector<float> broken(n, 1.0F);
      broken[n - 1] = std::numeric_limits<float>::quiet_NaN();
      softmax_row(broken.data(), 0, n);
      for (const float share : broken) EXPECT_TRUE(std::isnan(share)) << "a NaN is hidden among " << n;
    }
  });
}

// Distance in units of the last place of a float32 near `expected`.
double ulps(float actual, double expected) {
  const double unit = std::max(std::ldexp(1.0, std::ilogb(expected) - 23), 1e-45);
  return std::abs(static_cast<double>(actual) - expected) / unit;
}

std::vector<float> many_scores() {
  std::vector<float> scores = {1e-30F, -1e-30F, 1e-20F, 1e-7F, -1e-5F, 1e30F, -1e30F, 3e38F, 0.0F, -0.0F};
  test::Random random(9);
  for (float size = 1e-6F; size < 1e4F; size *= 3)
    for (int i = 0; i < 40; ++i) scores.push_back(size * random.unit());
  return scores;
}

TEST(CapScores, AgreesWithTanhToAFewUnits) {
  test::on_every_target([] {
    for (const float cap : {1.0F, 0.3F, 30.0F, 50.0F}) {
      const auto scores = many_scores();
      auto row = scores;
      cap_scores(row.data(), 0, row.size(), cap);
      for (std::size_t i = 0; i < row.size(); ++i) {
        const double expected =
            static_cast<double>(cap) * std::tanh(static_cast<double>(scores[i]) / static_cast<double>(cap));
        if (expected == 0)
          ASSERT_EQ(row[i], 0.0F);
        else
          ASSERT_LE(ulps(row[i], expected), 4) << "score " << scores[i] << ", cap " << cap;
        ASSERT_LE(std::abs(row[i]), cap);
      }
    }
  });
}

TEST(CapScores, SpecialNumbers) {
  test::on_every_target([] {
    std::vector<float> row = {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(), 1.0F};
    cap_scores(row.data(), 0, row.size(), 30.0F);
    EXPECT_EQ(row[0], 30.0F);
    EXPECT_EQ(row[1], -30.0F);
    EXPECT_TRUE(std::isnan(row[2]));
    EXPECT_TRUE(std::isfinite(row[3]));
  });
}

TEST(AddSlopes, AddsTheDistanceTimesTheSlope) {
  test::on_every_target([] {
    test::Random random(10);
    const auto scores = random.units(131);
    for (const float slope : {0.5F, 0.00390625F, 0.7071067F})
      for (const std::size_t query : {130U, 5000U}) {
        auto row = scores;
        add_slopes(row.data(), 0, row.size(), query, slope);
        for (std::size_t i = 0; i < row.size(); ++i) {
          const double expected = static_cast<double>(scores[i]) +
                                  static_cast<double>(slope) * (static_cast<double>(i) - static_cast<double>(query));
          ASSERT_LE(std::abs(static_cast<double>(row[i]) - expected), 2e-7 * (1 + std::abs(expected)));
        }
      }
  });
}

// A number has the same bits in a whole vector and at the row's end, alone and with others.
TEST(ScoreRows, ANumbersBitsAreItsOwn) {
  test::on_every_target([] {
    const auto scores = many_scores();
    auto capped = scores, sloped = scores;
    cap_scores(capped.data(), 0, capped.size(), 30);
    add_slopes(sloped.data(), 0, sloped.size(), 500, 0.7071067F);
    for (const std::size_t first : {0U, 1U, 5U, 16U})
      for (std::size_t end = first; end <= 140; ++end) {
        auto part_capped = scores, part_sloped = scores;
        cap_scores(part_capped.data(), first, end, 30);
        add_slopes(part_sloped.data(), first, end, 500, 0.7071067F);
        for (std::size_t i = 0; i < scores.size(); ++i) {
          const bool inside = i >= first && i < end;
          ASSERT_EQ(part_capped[i], inside ? capped[i] : scores[i]) << first << " to " << end << ", number " << i;
          ASSERT_EQ(part_sloped[i], inside ? sloped[i] : scores[i]) << first << " to " << end << ", number " << i;
        }
      }
  });
}

}  // namespace
}  // namespace stratoscope
