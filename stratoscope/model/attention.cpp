#include "stratoscope/model/attention.h"

#include <algorithm>
#include <limits>

#include "stratoscope/base/threads.h"
#include "stratoscope/ops/attention.h"

namespace stratoscope {
namespace {

class CausalAttention {
 public:
  CausalAttention(MatrixView<const float> q, std::size_t n_heads, float scale, std::size_t layer, Hooks<float>& hooks,
                  MatrixView<float> z)
      : q_(q),
        d_head_(q.cols / n_heads),
        n_heads_(n_heads),
        scale_(scale),
        scores_point_{Hook::attn_scores, layer},
        pattern_point_{Hook::pattern, layer},
        hooks_(hooks),
        captured_scores_(hooks.key_rows(scores_point_)),
        captured_pattern_(hooks.key_rows(pattern_point_)),
        z_(z) {}

  bool is_edited(std::size_t sequence) const {
    return hooks_.edits(scores_point_, sequence) || hooks_.edits(pattern_point_, sequence);
  }

  // One head, a block of query rows at a time: scores and pattern never exist as a whole.
  void attend(const AttendedSequence& of, std::size_t head) const {
    const HeadKeysValues keys_values(of_head(of.k, head), of_head(of.v, head));
    Tensor buffer({std::min(kQueryRows, of.rows), keys_values.row_capacity()});
    for (std::size_t first = 0; first < of.rows; first += kQueryRows) {
      const std::size_t count = std::min(kQueryRows, of.rows - first);
      const auto block = buffer.matrix().rows_from(0, count);
      write_scores(keys_values, of, head, first, block);
      capture(captured_scores_, of, head, first, block);
      for (std::size_t r = 0; r < count; ++r) softmax_row(block.row(r), 0, keys_seen(of, first + r));
      capture(captured_pattern_, of, head, first, block);
      mix(keys_values, of, head, first, block);
    }
  }

  // All heads of one sequence, scores and pattern held as [head, query, key] for the edits. The same kernels row by
  // row, so that an edit that changes nothing changes no bit.
  void attend_with_edits(const AttendedSequence& of, std::size_t sequence) {
    std::vector<HeadKeysValues> heads;
    heads.reserve(n_heads_);
    for (std::size_t head = 0; head < n_heads_; ++head) heads.emplace_back(of_head(of.k, head), of_head(of.v, head));
    Tensor values({n_heads_, of.rows, heads[0].row_capacity()});
    const HookValue<float> value{values.data(),
                                 {n_heads_, of.rows, of.k.rows},
                                 {of.rows * heads[0].row_capacity(), heads[0].row_capacity(), 1},
                                 of.past};
    parallel_for(n_heads_, [&](std::size_t head) {
      write_scores(heads[head], of, head, 0, values.slice(head));
      hide_unseen(of, values.slice(head), -std::numeric_limits<float>::infinity());
    });
    hooks_.edit(scores_point_, sequence, value);
    parallel_for(n_heads_, [&](std::size_t head) {
      const auto rows = values.slice(head);
      capture(captured_scores_, of, head, 0, rows);
      for (std::size_t r = 0; r < of.rows; ++r) softmax_row(rows.row(r), 0, keys_seen(of, r));
      hide_unseen(of, rows, 0);
    });
    hooks_.edit(pattern_point_, sequence, value);
    parallel_for(n_heads_, [&](std::size_t head) {
      capture(captured_pattern_, of, head, 0, values.slice(head));
      mix(heads[head], of, head, 0, values.slice(head));
    });
  }

 private:
  static std::size_t keys_seen(const AttendedSequence& of, std::size_t row) { return of.past + row + 1; }

  template <class Matrix>
  Matrix of_head(Matrix matrix, std::size_t head) const {
    return matrix.cols_from(head * d_head_, d_head_);
  }

  void write_scores(const HeadKeysValues& keys_values, const AttendedSequence& of, std::size_t head, std::size_t first,
                    MatrixView<float> rows) const {
    keys_values.scores(of_head(q_, head).rows_from(of.first_row + first, rows.rows), scale_, of.past + first,
                       KeyWindow{}, rows);
  }

  void mix(const HeadKeysValues& keys_values, const AttendedSequence& of, std::size_t head, std::size_t first,
           MatrixView<const float> pattern) const {
    keys_values.mix(pattern, of.past + first, KeyWindow{},
                    of_head(z_, head).rows_from(of.first_row + first, pattern.rows));
  }

  static void capture(KeyRows<float>* captured, const AttendedSequence& of, std::size_t head, std::size_t first,
                      MatrixView<const float> rows) {
    if (captured == nullptr) return;
    for (std::size_t r = 0; r < rows.rows; ++r)
      captured->write(head, of.first_row + first + r, {rows.row(r), keys_seen(of, first + r)});
  }

  static void hide_unseen(const AttendedSequence& of, MatrixView<float> rows, float unseen) {
    for (std::size_t r = 0; r < rows.rows; ++r)
      std::fill(rows.row(r) + keys_seen(of, r), rows.row(r) + of.k.rows, unseen);
  }

  MatrixView<const float> q_;
  std::size_t d_head_, n_heads_;
  float scale_;
  HookPoint scores_point_, pattern_point_;
  Hooks<float>& hooks_;
  KeyRows<float>*captured_scores_, *captured_pattern_;
  MatrixView<float> z_;
};

}  // namespace

void causal_attention(MatrixView<const float> q, const std::vector<AttendedSequence>& sequences, std::size_t n_heads,
                      float scale, std::size_t layer, Hooks<float>& hooks, MatrixView<float> z) {
  CausalAttention attention(q, n_heads, scale, layer, hooks, z);
  std::vector<const AttendedSequence*> plain;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    if (attention.is_edited(s))
      attention.attend_with_edits(sequences[s], s);
    else
      plain.push_back(&sequences[s]);
  }
  parallel_for(plain.size() * n_heads,
               [&](std::size_t index) { attention.attend(*plain[index / n_heads], index % n_heads); });
}

}  // namespace stratoscope
