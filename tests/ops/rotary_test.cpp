// Rotary position embedding against turns in double, on every instruction set.
#include "stratoscope/ops/rotary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "tests/ops/targets.h"
#include "tests/support/compare.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

double angle_of(std::size_t position, std::size_t pair, std::size_t pairs) {
  return static_cast<double>(position) *
         std::pow(10000.0, -static_cast<double>(pair) / static_cast<double>(pairs == 0 ? 1 : pairs));
}

RotaryTable table_of(std::size_t positions, std::size_t pairs) {
  RotaryTable table{Tensor({positions, pairs}), Tensor({positions, pairs})};
  for (std::size_t p = 0; p < positions; ++p)
    for (std::size_t j = 0; j < pairs; ++j) {
      table.cos.matrix().row(p)[j] = static_cast<float>(std::cos(angle_of(p, j, pairs)));
      table.sin.matrix().row(p)[j] = static_cast<float>(std::sin(angle_of(p, j, pairs)));
    }
  return table;
}

// Heads in rows that lie further apart than they are wide, and off any boundary.
struct Rows {
  static constexpr std::size_t kPositions = 40;
  std::size_t pairs, d_head, heads, cols, stride;
  std::vector<float> memory;
  std::vector<std::size_t> positions = {39, 0, 7, 7, 1};
  RotaryTable table;

  Rows(std::size_t pair_count, std::size_t size, std::size_t head_count)
      : pairs(pair_count),
        d_head(size),
        heads(head_count),
        cols(heads * d_head),
        stride(cols + 3),
        table(table_of(kPositions, pairs)) {
    memory = test::Random(pairs * 1000 + d_head).units(positions.size() * stride + 1);
  }
  MatrixView<float> view(std::vector<float>& of) const { return {of.data() + 1, positions.size(), cols, stride}; }
};

template <class Check>
void for_sizes(const Check& check) {
  test::on_every_target([&] {
    for (const std::size_t pairs : {1U, 2U, 3U, 7U, 8U, 17U, 32U, 33U, 50U})
      for (const std::size_t others : {0U, 1U, 30U})
        for (const std::size_t heads : {1U, 3U}) {
          Rows rows(pairs, 2 * pairs + others, heads);
          check(rows);
        }
  });
}

TEST(Rotary, PairsTurnAndTheOthersAreCopied) {
  for_sizes([](Rows& rows) {
    for (const bool interleaved : {false, true}) {
      std::vector<float> memory(rows.memory.size(), 9.0F);
      const auto x = rows.view(rows.memory), y = rows.view(memory);
      rotate(x, rows.positions, rows.table, rows.d_head, interleaved, y);
      for (std::size_t r = 0; r < x.rows; ++r) {
        for (std::size_t head = 0; head < rows.heads; ++head) {
          const float *in = x.row(r) + head * rows.d_head, *out = y.row(r) + head * rows.d_head;
          for (std::size_t j = 0; j < rows.pairs; ++j) {
            const std::size_t first = interleaved ? 2 * j : j, second = interleaved ? 2 * j + 1 : j + rows.pairs;
            const auto turned = std::complex<double>(static_cast<double>(in[first]), static_cast<double>(in[second])) *
                                std::polar(1.0, angle_of(rows.positions[r], j, rows.pairs));
            ASSERT_NEAR(static_cast<double>(out[first]), turned.real(), 3e-7) << rows.pairs << " pairs, " << j;
            ASSERT_NEAR(static_cast<double>(out[second]), turned.imag(), 3e-7) << rows.pairs << " pairs, " << j;
          }
          for (std::size_t i = 2 * rows.pairs; i < rows.d_head; ++i) ASSERT_EQ(out[i], in[i]);
        }
        for (std::size_t i = rows.cols; i + 1 < rows.stride; ++i) ASSERT_EQ(y.row(r)[i], 9.0F) << "beyond the row";
      }
    }
  });
}

TEST(Rotary, APairsBitsAreItsOwn) {
  for_sizes([](Rows& rows) {
    for (const bool interleaved : {false, true}) {
      auto in_place = rows.memory;
      const auto x = rows.view(rows.memory), y = rows.view(in_place);
      rotate(y, rows.positions, rows.table, rows.d_head, interleaved, y);
      for (std::size_t r = 0; r < x.rows; ++r)
        for (std::size_t head = 0; head < rows.heads; ++head)
          for (std::size_t j = 0; j < rows.pairs; ++j) {
            const std::size_t first = interleaved ? 2 * j : j, second = interleaved ? 2 * j + 1 : j + rows.pairs;
            RotaryTable table{Tensor({1, 1}), Tensor({1, 1})};
            table.cos.data()[0] = rows.table.cos.matrix().row(rows.positions[r])[j];
            table.sin.data()[0] = rows.table.sin.matrix().row(rows.positions[r])[j];
            const float* head_of_x = x.row(r) + head * rows.d_head;
            std::vector<float> pair = {head_of_x[first], head_of_x[second]};
            const std::size_t position = 0;
            rotate({pair.data(), 1, 2}, {&position, 1}, table, 2, !interleaved, {pair.data(), 1, 2});
            ASSERT_EQ(pair[0], y.row(r)[head * rows.d_head + first]) << rows.pairs << " pairs, " << j;
            ASSERT_EQ(pair[1], y.row(r)[head * rows.d_head + second]) << rows.pairs << " pairs, " << j;
          }
    }
  });
}

TEST(Rotary, NotANumberStaysInItsPair) {
  test::on_every_target([] {
    for (const float broken : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      Rows rows(17, 40, 2);
      const auto x = rows.view(rows.memory);
      x.row(2)[3] = broken;
      rotate(x, rows.positions, rows.table, rows.d_head, false, x);
      for (std::size_t r = 0; r < x.rows; ++r)
        for (std::size_t i = 0; i < rows.cols; ++i)
          ASSERT_EQ(std::isfinite(x.row(r)[i]), !(r == 2 && (i == 3 || i == 3 + 17))) << r << ", " << i;
    }
  });
}

}  // namespace
}  // namespace stratoscope
