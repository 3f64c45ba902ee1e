#include "stratoscope/model/pass/engine_attention.h"

#include <algorithm>
#include <optional>

#include "stratoscope/base/threads.h"
#include "stratoscope/model/pass/score_rules.h"

namespace stratoscope {
namespace {

class EngineAttention {
 public:
  EngineAttention(MatrixView<const float> q, const AttentionSpec& spec, std::size_t layer, Hooks<float>& hooks,
                  MatrixView<float> z)
      : q_(q),
        spec_(spec),
        rules_(spec),
        scores_point_{Hook::attn_scores, layer},
        pattern_point_{Hook::pattern, layer},
        hooks_(hooks),
        captured_scores_(hooks.key_rows(scores_point_)),
        captured_pattern_(hooks.key_rows(pattern_point_)),
        z_(z) {}

  bool is_edited(std::size_t sequence) const {
    return hooks_.edits(scores_point_, sequence) || hooks_.edits(pattern_point_, sequence);
  }

  HeadKeysValues keys_values(const AttendedSequence& of, std::size_t key_head) const {
    return {of.k.cols_from(key_head * spec_.d_head, spec_.d_head),
            of.v.cols_from(key_head * spec_.d_head, spec_.d_head)};
  }

  // One head, a block of query rows at a time: scores and pattern are never in memory completely.
  void attend(const AttendedSequence& of, std::size_t head, const HeadKeysValues& keys_values) const {
    Tensor buffer({std::min(kQueryRows, of.rows), keys_values.row_capacity()});
    for (std::size_t first = 0; first < of.rows; first += kQueryRows) {
      const std::size_t count = std::min(kQueryRows, of.rows - first);
      const auto block = buffer.matrix().rows_from(0, count);
      write_scores(keys_values, of, head, first, block);
      capture(captured_scores_, of, head, first, block, ScoreRules::kUnseenScore);
      for (std::size_t r = 0; r < count; ++r) rules_.softmax(block.row(r), of.past + first + r);
      capture(captured_pattern_, of, head, first, block, ScoreRules::kUnseenPattern);
      mix(keys_values, of, head, first, block);
    }
  }

  // All heads of one sequence, with scores and pattern as [head, query, key] for the edits. The same kernels row by
  // row, so that an edit that changes nothing changes no bit.
  void attend_with_edits(const AttendedSequence& of, std::size_t sequence) {
    std::vector<HeadKeysValues> key_heads;
    key_heads.reserve(spec_.kv_heads);
    for (std::size_t head = 0; head < spec_.kv_heads; ++head) key_heads.push_back(keys_values(of, head));
    const std::size_t capacity = key_heads[0].row_capacity();
    Tensor values({spec_.heads, of.rows, capacity});
    const HookValue<float> value{
        values.data(), {spec_.heads, of.rows, of.k.rows}, {of.rows * capacity, capacity, 1}, of.past};
    const auto hide = [&](std::size_t head, float unseen) {
      for (std::size_t r = 0; r < of.rows; ++r) rules_.hide(values.slice(head).row(r), of.past + r, of.k.rows, unseen);
    };
    parallel_for(spec_.heads, [&](std::size_t head) {
      write_scores(key_heads[spec_.key_head_of(head)], of, head, 0, values.slice(head));
      hide(head, ScoreRules::kUnseenScore);
    });
    hooks_.edit(scores_point_, sequence, value);
    parallel_for(spec_.heads, [&](std::size_t head) {
      const auto rows = values.slice(head);
      capture(captured_scores_, of, head, 0, rows, ScoreRules::kUnseenScore);
      for (std::size_t r = 0; r < of.rows; ++r) rules_.softmax(rows.row(r), of.past + r);
      hide(head, ScoreRules::kUnseenPattern);
    });
    hooks_.edit(pattern_point_, sequence, value);
    parallel_for(spec_.heads, [&](std::size_t head) {
      capture(captured_pattern_, of, head, 0, values.slice(head), ScoreRules::kUnseenPattern);
      mix(key_heads[spec_.key_head_of(head)], of, head, 0, values.slice(head));
    });
  }

 private:
  template <class Matrix>
  Matrix of_head(Matrix matrix, std::size_t head) const {
    return matrix.cols_from(head * spec_.d_head, spec_.d_head);
  }

  void write_scores(const HeadKeysValues& keys_values, const AttendedSequence& of, std::size_t head, std::size_t first,
                    MatrixView<float> rows) const {
    keys_values.scores(of_head(q_, head).rows_from(of.first_row + first, rows.rows), rules_.scale, of.past + first,
                       rules_.window, rows);
    for (std::size_t r = 0; r < rows.rows; ++r) rules_.finish(rows.row(r), head, of.past + first + r);
  }

  void mix(const HeadKeysValues& keys_values, const AttendedSequence& of, std::size_t head, std::size_t first,
           MatrixView<const float> pattern) const {
    keys_values.mix(pattern, of.past + first, rules_.window,
                    of_head(z_, head).rows_from(of.first_row + first, pattern.rows));
  }

  // Keys before the window are undefined or have ignored edits: they are set to `unseen`.
  void capture(KeyRows<float>* captured, const AttendedSequence& of, std::size_t head, std::size_t first,
               MatrixView<float> rows, float unseen) const {
    if (captured == nullptr) return;
    for (std::size_t r = 0; r < rows.rows; ++r) {
      const std::size_t position = of.past + first + r;
      rules_.hide(rows.row(r), position, position + 1, unseen);
      captured->write(head, of.first_row + first + r, {rows.row(r), position + 1});
    }
  }

  MatrixView<const float> q_;
  const AttentionSpec& spec_;
  ScoreRules rules_;
  HookPoint scores_point_, pattern_point_;
  Hooks<float>& hooks_;
  KeyRows<float>*captured_scores_, *captured_pattern_;
  MatrixView<float> z_;
};

}  // namespace

void causal_attention(MatrixView<const float> q, const std::vector<AttendedSequence>& sequences,
                      const AttentionSpec& spec, std::size_t layer, Hooks<float>& hooks, MatrixView<float> z) {
  EngineAttention attention(q, spec, layer, hooks, z);
  std::vector<const AttendedSequence*> plain;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    if (attention.is_edited(s))
      attention.attend_with_edits(sequences[s], s);
    else
      plain.push_back(&sequences[s]);
  }
  if (spec.kv_heads == spec.heads) {
    parallel_for(plain.size() * spec.heads, [&](std::size_t index) {
      const AttendedSequence& of = *plain[index / spec.heads];
      const std::size_t head = index % spec.heads;
      attention.attend(of, head, attention.keys_values(of, head));
    });
    return;
  }
  // Heads that share keys share their layout; with few key heads all cores are still used.
  std::vector<std::optional<HeadKeysValues>> key_heads(plain.size() * spec.kv_heads);
  parallel_for(key_heads.size(), [&](std::size_t i) {
    key_heads[i].emplace(attention.keys_values(*plain[i / spec.kv_heads], i % spec.kv_heads));
  });
  parallel_for(plain.size() * spec.heads, [&](std::size_t index) {
    const std::size_t sequence = index / spec.heads, head = index % spec.heads;
    attention.attend(*plain[sequence], head, *key_heads[sequence * spec.kv_heads + spec.key_head_of(head)]);
  });
}

}  // namespace stratoscope
