// Attention of GPT-2 small's heads over one text, all heads: GFLOP/s over the keys of each query, and the share
// of the limit of multiply-adds on registers. Arguments: threads (all cores), seconds for each line (0.5).
#include "stratoscope/ops/attention.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "stratoscope/base/threads.h"
#include "stratoscope/ops/machine_limits.h"

namespace {

using stratoscope::HeadKeysValues;
using stratoscope::MatrixView;
using stratoscope::Tensor;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kHeads = 12, kHead = 64, kWidth = 3 * kHeads * kHead;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// As in the engine: a block of query rows at a time.
void attend(MatrixView<const float> qkv, std::size_t head, MatrixView<float> z) {
  const auto part = [&](std::size_t which) { return qkv.cols_from((which * kHeads + head) * kHead, kHead); };
  const HeadKeysValues keys_values(part(1), part(2));
  Tensor scores({stratoscope::kQueryRows, keys_values.row_capacity()});
  for (std::size_t first = 0; first < qkv.rows; first += stratoscope::kQueryRows) {
    const std::size_t count = std::min(stratoscope::kQueryRows, qkv.rows - first);
    const auto rows = scores.matrix().rows_from(0, count);
    keys_values.scores(part(0).rows_from(first, count), 0.125F, first, {}, rows);
    for (std::size_t r = 0; r < count; ++r) stratoscope::softmax_row(rows.row(r), 0, first + r + 1);
    keys_values.mix(rows, first, {}, z.rows_from(first, count).cols_from(head * kHead, kHead));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const stratoscope::ThreadScope threads(argc > 1 ? std::atoi(argv[1]) : 0);
  const double seconds = argc > 2 ? std::atof(argv[2]) : 0.5;
  const double limit = 1e-9 * stratoscope::multiply_add_limit();
  std::printf("limit %.0f GFLOP/s\n", limit);
  for (const std::size_t tokens : {22, 128, 1024, 4096}) {
    Tensor qkv({tokens, kWidth}), z({tokens, kHeads * kHead});
    for (std::size_t i = 0; i < qkv.size(); ++i) qkv.data()[i] = static_cast<float>(i % 97) * 0.01F - 0.5F;
    double best = 1e9;
    const auto start = Clock::now();
    do {
      const auto begin = Clock::now();
      stratoscope::parallel_for(kHeads, [&](std::size_t head) { attend(qkv.matrix(), head, z.matrix()); });
      best = std::min(best, seconds_since(begin));
    } while (seconds_since(start) < seconds);
    const double rate = 2e-9 * static_cast<double>(kHeads * kHead * tokens * (tokens + 1)) / best;
    std::printf("%5zu tokens: %8.3f ms, %6.1f GFLOP/s, %3.0f %%\n", tokens, 1e3 * best, rate, 100 * rate / limit);
  }
}
