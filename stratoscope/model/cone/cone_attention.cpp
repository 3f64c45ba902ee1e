#include "stratoscope/model/cone/cone_attention.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "stratoscope/base/threads.h"
#include "stratoscope/model/pass/score_rules.h"
#include "stratoscope/model/pass/widths.h"

namespace stratoscope {
namespace {

// Successive queries of one run, both in the text and in the batch. Each sees the same `clean_keys` keys of the clean
// run, and then the run's own keys up to itself. A query that sees no own keys is alone in its group and sees the clean
// run's keys up to itself.
struct Queries {
  std::size_t member = 0;
  std::size_t first_position = 0, count = 0;
  std::size_t clean_keys = 0;
};

bool is_query(const ConeRow& row) { return !row.keys_only && row.entry <= Hook::attn_scores; }

class BatchAttention {
 public:
  BatchAttention(const ConeAttention& of, const CleanBlock* clean)
      : of_(of), spec_(of.config.blocks[of.layer].attention), rules_(spec_), clean_(clean) {}

  const AttentionSpec& spec() const { return spec_; }

  std::vector<Queries> queries() const {
    std::vector<Queries> all;
    for (std::size_t m = 0; m < of_.batch.members().size(); ++m) {
      const ConeRows& cone = of_.batch.members()[m].cone;
      for (const ConeRow& row : cone.rows) {
        if (!is_query(row)) continue;
        const bool own = cone.own_keys_from && row.position >= *cone.own_keys_from;
        const bool goes_on = own && !all.empty() && all.back().member == m && all.back().count < kQueryRows &&
                             all.back().clean_keys == *cone.own_keys_from &&
                             all.back().first_position + all.back().count == row.position &&
                             all.back().first_position >= *cone.own_keys_from &&
                             place(all.back(), 0) + all.back().count == *of_.batch.place_of(m, row.position);
        if (goes_on)
          ++all.back().count;
        else
          all.push_back({m, row.position, 1, own ? *cone.own_keys_from : row.position + 1});
      }
    }
    return all;
  }

  // A run's own keys and values of one key head, from own_keys_from on.
  HeadKeysValues own_keys_values(std::size_t member, std::size_t key_head) const {
    const ConeBatch::Member& of = of_.batch.members()[member];
    std::vector<const float*> keys, values;
    for (std::size_t p = *of.cone.own_keys_from; p < of.positions; ++p) {
      keys.push_back(own_or_clean(of_.k, member, p) + key_head * spec_.d_head);
      values.push_back(own_or_clean(of_.v, member, p) + key_head * spec_.d_head);
    }
    return {keys, values, spec_.d_head};
  }

  const HeadKeysValues& clean_keys_values(std::size_t member, std::size_t head) const {
    return clean_->keys_values[of_.batch.members()[member].text * spec_.kv_heads + spec_.key_head_of(head)];
  }

  std::size_t row_capacity(const Queries& queries, const HeadKeysValues* own, std::size_t head) const {
    std::size_t capacity = own == nullptr ? 0 : queries.clean_keys + own->row_capacity();
    if (queries.clean_keys > 0) capacity = std::max(capacity, clean_keys_values(queries.member, head).row_capacity());
    return capacity;
  }

  // The shape of `rows` is [queries, row_capacity].
  void write_scores(const Queries& queries, const HeadKeysValues* own, std::size_t head, MatrixView<float> rows) const {
    const auto q = of_.q.rows_from(place(queries, 0), queries.count).cols_from(head * spec_.d_head, spec_.d_head);
    if (queries.clean_keys > 0)
      clean_keys_values(queries.member, head)
          .scores_of_first(queries.clean_keys, q, rules_.scale, queries.first_position, rules_.window, rows);
    if (own != nullptr)
      own->scores(q, rules_.scale, queries.first_position - queries.clean_keys, rules_.window,
                  rows.cols_from(queries.clean_keys, rows.cols - queries.clean_keys));
    for (std::size_t i = 0; i < queries.count; ++i) rules_.finish(rows.row(i), head, queries.first_position + i);
  }

  void mix(const Queries& queries, const HeadKeysValues* own, std::size_t head, MatrixView<float> pattern) const {
    const std::size_t width =
        own != nullptr ? own->padded_head() : clean_keys_values(queries.member, head).padded_head();
    Tensor z = Tensor::zeros({queries.count, width});
    if (queries.clean_keys > 0)
      clean_keys_values(queries.member, head)
          .add_mix_of_first(queries.clean_keys, pattern, queries.first_position, rules_.window, z.matrix());
    if (own != nullptr)
      own->add_mix(pattern.cols_from(queries.clean_keys, pattern.cols - queries.clean_keys),
                   queries.first_position - queries.clean_keys, rules_.window, z.matrix());
    for (std::size_t i = 0; i < queries.count; ++i)
      std::copy_n(z.matrix().row(i), spec_.d_head, of_.z.row(place(queries, i)) + head * spec_.d_head);
  }

  void attend(const Queries& queries, const HeadKeysValues* own, std::size_t head) const {
    Tensor buffer({queries.count, row_capacity(queries, own, head)});
    const auto rows = buffer.matrix();
    write_scores(queries, own, head, rows);
    for (std::size_t i = 0; i < queries.count; ++i) rules_.softmax(rows.row(i), queries.first_position + i);
    mix(queries, own, head, rows);
  }

  // All heads side by side, for edits of scores and pattern, by the same kernels row by row. `own` has the key heads.
  void attend_with_edits(const Queries& queries, const std::vector<HeadKeysValues>& own) const {
    const std::size_t heads = spec_.heads, positions = of_.batch.members()[queries.member].positions;
    const auto own_of = [&](std::size_t head) { return own.empty() ? nullptr : &own[spec_.key_head_of(head)]; };
    const std::size_t capacity = std::max(positions, row_capacity(queries, own_of(0), 0));
    Tensor buffer({heads, queries.count, capacity});
    const auto hide = [&](std::size_t head, float unseen) {
      for (std::size_t i = 0; i < queries.count; ++i)
        rules_.hide(buffer.slice(head).row(i), queries.first_position + i, positions, unseen);
    };
    for (std::size_t head = 0; head < heads; ++head) {
      write_scores(queries, own_of(head), head, buffer.slice(head));
      hide(head, ScoreRules::kUnseenScore);
    }
    edit(Hook::attn_scores, queries, buffer, positions);
    for (std::size_t head = 0; head < heads; ++head) {
      for (std::size_t i = 0; i < queries.count; ++i)
        rules_.softmax(buffer.slice(head).row(i), queries.first_position + i);
      hide(head, ScoreRules::kUnseenPattern);
    }
    edit(Hook::pattern, queries, buffer, positions);
    for (std::size_t head = 0; head < heads; ++head) mix(queries, own_of(head), head, buffer.slice(head));
  }

  bool edits_scores_or_pattern(std::size_t member) const {
    const ConeRun* run = of_.batch.members()[member].run;
    return run != nullptr && std::any_of(run->edits.begin(), run->edits.end(), [&](const HookEdit& edit) {
             return edit.at.layer == of_.layer && (edit.at.hook == Hook::attn_scores || edit.at.hook == Hook::pattern);
           });
  }

 private:
  std::size_t place(const Queries& queries, std::size_t i) const {
    return *of_.batch.place_of(queries.member, queries.first_position + i);
  }

  // A row of keys or values: the run's own, or the clean run's if no edit changes it.
  const float* own_or_clean(const KeptColumns& of, std::size_t member, std::size_t position) const {
    const auto place = of_.batch.place_of(member, position);
    if (place && *place < of_.batch.with_keys(Hook::rot_k).end) return of.matrix.row(*place);
    const std::size_t clean_place = clean_->place_of(of_.batch.members()[member].text, position);
    return clean_->values[of.serial].row(clean_place) + of.first_col;
  }

  void edit(Hook hook, const Queries& queries, Tensor& rows, std::size_t positions) const {
    const std::size_t capacity = rows.shape().back();
    for (const HookEdit& edit : of_.batch.members()[queries.member].run->edits) {
      if (edit.at != HookPoint{hook, of_.layer}) continue;
      for (std::size_t i = 0; i < queries.count; ++i)
        if (std::binary_search(edit.positions->begin(), edit.positions->end(), queries.first_position + i))
          edit.edit->apply(HookValue<float>{rows.data() + i * capacity,
                                            {spec_.heads, 1, positions},
                                            {queries.count * capacity, capacity, 1},
                                            queries.first_position + i});
    }
  }

  const ConeAttention& of_;
  const AttentionSpec& spec_;
  ScoreRules rules_;
  const CleanBlock* clean_;
};

}  // namespace

double ConeAttention::operations() const {
  const AttentionSpec& spec = config.blocks[layer].attention;
  double keys = 0;
  for (const ConeBatch::Row& row : batch.rows())
    if (is_query(row.row)) keys += static_cast<double>(keys_seen(spec, row.row.position));
  return keys * key_operations(spec);
}

std::vector<HeadKeysValues> ConeAttention::run_clean() const {
  const BatchAttention attention(*this, nullptr);
  const std::size_t heads = attention.spec().heads, key_heads = attention.spec().kv_heads;
  std::vector<std::optional<HeadKeysValues>> made(batch.members().size() * key_heads);
  parallel_for(made.size(),
               [&](std::size_t i) { made[i].emplace(attention.own_keys_values(i / key_heads, i % key_heads)); });
  std::vector<HeadKeysValues> keys_values;
  keys_values.reserve(made.size());
  for (auto& one : made) keys_values.push_back(std::move(*one));
  const auto queries = attention.queries();
  parallel_for(queries.size() * heads, [&](std::size_t i) {
    const Queries& of = queries[i / heads];
    const std::size_t key_head = attention.spec().key_head_of(i % heads);
    attention.attend(of, &keys_values[of.member * key_heads + key_head], i % heads);
  });
  return keys_values;
}

void ConeAttention::run(const CleanBlock& clean) const {
  const BatchAttention attention(*this, &clean);
  const std::size_t key_heads = attention.spec().kv_heads, group = attention.spec().heads / key_heads;
  const auto queries = attention.queries();
  // A task has successive queries of one run, for one key head, or for all heads if there are edits.
  struct Task {
    std::size_t first, end, member;
    std::optional<std::size_t> key_head;
  };
  std::vector<Task> tasks;
  for (std::size_t first = 0; first < queries.size();) {
    std::size_t end = first;
    while (end < queries.size() && queries[end].member == queries[first].member) ++end;
    if (attention.edits_scores_or_pattern(queries[first].member))
      tasks.push_back({first, end, queries[first].member, std::nullopt});
    else
      for (std::size_t head = 0; head < key_heads; ++head) tasks.push_back({first, end, queries[first].member, head});
    first = end;
  }
  parallel_for(tasks.size(), [&](std::size_t t) {
    const Task& task = tasks[t];
    const auto own_from = batch.members()[task.member].cone.own_keys_from;
    const auto sees_own = [&](const Queries& of) { return own_from && of.first_position >= *own_from; };
    std::vector<HeadKeysValues> own;
    if (own_from)
      for (std::size_t head = task.key_head.value_or(0); head < (task.key_head ? *task.key_head + 1 : key_heads);
           ++head)
        own.push_back(attention.own_keys_values(task.member, head));
    const std::vector<HeadKeysValues> none;
    for (std::size_t i = task.first; i < task.end; ++i) {
      if (!task.key_head) {
        attention.attend_with_edits(queries[i], sees_own(queries[i]) ? own : none);
        continue;
      }
      for (std::size_t head = *task.key_head * group; head < (*task.key_head + 1) * group; ++head)
        attention.attend(queries[i], sees_own(queries[i]) ? &own[0] : nullptr, head);
    }
  });
}

}  // namespace stratoscope
