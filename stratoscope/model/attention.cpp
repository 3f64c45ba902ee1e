#include "stratoscope/model/attention.h"

#include <algorithm>

#include "stratoscope/base/threads.h"
#include "stratoscope/ops/attention.h"

namespace stratoscope {
namespace {

// Query rows whose score rows are held at once: 64 rows of 1,024 keys stay in a second-level cache.
constexpr std::size_t kQueryRows = 64;

struct HeadTask {
  std::size_t head, first_row, rows;  // one head over one sequence
};

void copy_seen(MatrixView<const float> block, std::size_t first_query, const HeadTask& task, std::size_t total_rows,
               Tensor& out) {
  const std::size_t keys = out.shape()[2];
  for (std::size_t r = 0; r < block.rows; ++r) {
    float* row = out.data() + (task.head * total_rows + task.first_row + first_query + r) * keys;
    std::copy_n(block.row(r), first_query + r + 1, row);
  }
}

}  // namespace

void causal_attention(MatrixView<const float> q, MatrixView<const float> k, MatrixView<const float> v,
                      std::size_t n_heads, float scale, std::span<const std::size_t> row_offsets, Tensor* scores,
                      Tensor* pattern, MatrixView<float> z) {
  const std::size_t sequences = row_offsets.size() - 1, d_head = q.cols / n_heads;
  parallel_for(sequences * n_heads, [&](std::size_t index) {
    const std::size_t s = index / n_heads, head = index % n_heads;
    const HeadTask task{head, row_offsets[s], row_offsets[s + 1] - row_offsets[s]};
    const auto of_head = [&](auto matrix) {
      return matrix.rows_from(task.first_row, task.rows).cols_from(head * d_head, d_head);
    };
    const HeadKeysValues keys_values(of_head(k), of_head(v));
    Tensor buffer({std::min(kQueryRows, task.rows), keys_values.row_capacity()});
    for (std::size_t first = 0; first < task.rows; first += kQueryRows) {
      const std::size_t count = std::min(kQueryRows, task.rows - first);
      const auto block = buffer.matrix().rows_from(0, count);
      keys_values.scores(of_head(q).rows_from(first, count), scale, first, block);
      if (scores != nullptr) copy_seen(block, first, task, q.rows, *scores);
      for (std::size_t r = 0; r < count; ++r) softmax_row(block.row(r), first + r + 1);
      if (pattern != nullptr) copy_seen(block, first, task, q.rows, *pattern);
      keys_values.mix(block, first, of_head(z).rows_from(first, count));
    }
  });
}

}  // namespace stratoscope
