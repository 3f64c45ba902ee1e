#include "stratoscope/model/stack_attention.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "stratoscope/base/threads.h"

namespace stratoscope {
namespace {

// Queries of one member that lie behind one another, in the text and in the stack, and see keys alike: `clean_keys` of
// the clean run, the same for each, and behind them the member's own up to the query. Without keys of its own a query
// stands alone and sees the clean run's up to it.
struct Queries {
  std::size_t member = 0;
  std::size_t first_position = 0, count = 0;
  std::size_t clean_keys = 0;
};

class Attention {
 public:
  Attention(const StackAttention& of, const CleanBlock* clean) : of_(of), clean_(clean) {}

  std::vector<Queries> queries() const {
    std::vector<Queries> all;
    for (std::size_t m = 0; m < of_.stack.members().size(); ++m) {
      const ConeRows& cone = of_.stack.members()[m].cone;
      for (const ConeRow& row : cone.rows) {
        if (row.leaves || row.join > Join::attention) continue;
        const bool own = cone.own_keys_from && row.position >= *cone.own_keys_from;
        const bool goes_on = own && !all.empty() && all.back().member == m && all.back().count < kQueryRows &&
                             all.back().clean_keys == *cone.own_keys_from &&
                             all.back().first_position + all.back().count == row.position &&
                             all.back().first_position >= *cone.own_keys_from &&
                             place(all.back(), 0) + all.back().count == *of_.stack.place_of(m, row.position);
        if (goes_on)
          ++all.back().count;
        else
          all.push_back({m, row.position, 1, own ? *cone.own_keys_from : row.position + 1});
      }
    }
    return all;
  }

  // A member's own keys and values of one head, from own_keys_from on.
  HeadKeysValues own_keys_values(std::size_t member, std::size_t head) const {
    const StackMember& of = of_.stack.members()[member];
    std::vector<const float*> keys, values;
    for (std::size_t p = *of.cone.own_keys_from; p < of.positions; ++p) {
      const float* row = qkv_row(member, p) + head * d_head();
      keys.push_back(row + of_.config.d_model);
      values.push_back(row + 2 * of_.config.d_model);
    }
    return {keys, values, d_head()};
  }

  const HeadKeysValues& clean_keys_values(std::size_t member, std::size_t head) const {
    return clean_->keys_values[of_.stack.members()[member].text * of_.config.n_heads + head];
  }

  std::size_t row_capacity(const Queries& queries, const HeadKeysValues* own, std::size_t head) const {
    std::size_t capacity = own == nullptr ? 0 : queries.clean_keys + own->row_capacity();
    if (queries.clean_keys > 0) capacity = std::max(capacity, clean_keys_values(queries.member, head).row_capacity());
    return capacity;
  }

  // rows is [queries, row_capacity].
  void write_scores(const Queries& queries, const HeadKeysValues* own, std::size_t head, MatrixView<float> rows) const {
    const auto scale = static_cast<float>(of_.config.attention_scale(of_.layer));
    const auto q = q_rows(queries, head);
    if (queries.clean_keys > 0)
      clean_keys_values(queries.member, head)
          .scores_of_first(queries.clean_keys, q, scale, queries.first_position, KeyWindow{}, rows);
    if (own != nullptr)
      own->scores(q, scale, queries.first_position - queries.clean_keys, KeyWindow{},
                  rows.cols_from(queries.clean_keys, rows.cols - queries.clean_keys));
  }

  void mix(const Queries& queries, const HeadKeysValues* own, std::size_t head, MatrixView<float> pattern) const {
    const std::size_t width =
        own != nullptr ? own->padded_head() : clean_keys_values(queries.member, head).padded_head();
    Tensor z = Tensor::zeros({queries.count, width});
    if (queries.clean_keys > 0)
      clean_keys_values(queries.member, head)
          .add_mix_of_first(queries.clean_keys, pattern, queries.first_position, KeyWindow{}, z.matrix());
    if (own != nullptr)
      own->add_mix(pattern.cols_from(queries.clean_keys, pattern.cols - queries.clean_keys),
                   queries.first_position - queries.clean_keys, KeyWindow{}, z.matrix());
    for (std::size_t i = 0; i < queries.count; ++i)
      std::copy_n(z.matrix().row(i), d_head(), of_.values.z.matrix().row(place(queries, i)) + head * d_head());
  }

  void attend(const Queries& queries, const HeadKeysValues* own, std::size_t head) const {
    Tensor buffer({queries.count, row_capacity(queries, own, head)});
    const auto rows = buffer.matrix();
    write_scores(queries, own, head, rows);
    for (std::size_t i = 0; i < queries.count; ++i) softmax_row(rows.row(i), 0, queries.first_position + i + 1);
    mix(queries, own, head, rows);
  }

  // All heads side by side, for edits of scores and pattern: the same kernels row by row.
  void attend_with_edits(const Queries& queries, const std::vector<HeadKeysValues>& own) const {
    const std::size_t heads = of_.config.n_heads, positions = of_.stack.members()[queries.member].positions;
    const auto own_of = [&](std::size_t head) { return own.empty() ? nullptr : &own[head]; };
    const std::size_t capacity = std::max(positions, row_capacity(queries, own_of(0), 0));
    Tensor buffer({heads, queries.count, capacity});
    for (std::size_t head = 0; head < heads; ++head) {
      write_scores(queries, own_of(head), head, buffer.slice(head));
      hide_unseen(queries, buffer.slice(head), positions, -std::numeric_limits<float>::infinity());
    }
    edit(Hook::attn_scores, queries, buffer, positions);
    for (std::size_t head = 0; head < heads; ++head) {
      const auto rows = buffer.slice(head);
      for (std::size_t i = 0; i < queries.count; ++i) softmax_row(rows.row(i), 0, queries.first_position + i + 1);
      hide_unseen(queries, rows, positions, 0);
    }
    edit(Hook::pattern, queries, buffer, positions);
    for (std::size_t head = 0; head < heads; ++head) mix(queries, own_of(head), head, buffer.slice(head));
  }

  bool edits_scores_or_pattern(std::size_t member) const {
    const Cell* cell = of_.stack.members()[member].cell;
    return cell != nullptr && std::any_of(cell->edits.begin(), cell->edits.end(), [&](const HookEdit& edit) {
             return edit.at.layer == of_.layer && (edit.at.hook == Hook::attn_scores || edit.at.hook == Hook::pattern);
           });
  }

 private:
  std::size_t d_head() const { return of_.config.d_head; }
  std::size_t place(const Queries& queries, std::size_t i) const {
    return *of_.stack.place_of(queries.member, queries.first_position + i);
  }

  const float* qkv_row(std::size_t member, std::size_t position) const {
    if (const auto place = of_.stack.place_of(member, position); place && *place < of_.stack.with_keys().end)
      return std::as_const(of_.values.qkv).matrix().row(*place);
    return clean_->values.qkv.matrix().row(clean_->place_of(of_.stack.members()[member].text, position));
  }

  MatrixView<const float> q_rows(const Queries& queries, std::size_t head) const {
    return std::as_const(of_.values.qkv)
        .matrix()
        .rows_from(place(queries, 0), queries.count)
        .cols_from(head * d_head(), d_head());
  }

  static void hide_unseen(const Queries& queries, MatrixView<float> rows, std::size_t positions, float unseen) {
    for (std::size_t i = 0; i < queries.count; ++i)
      std::fill(rows.row(i) + queries.first_position + i + 1, rows.row(i) + positions, unseen);
  }

  void edit(Hook hook, const Queries& queries, Tensor& rows, std::size_t positions) const {
    const std::size_t heads = of_.config.n_heads, capacity = rows.shape().back();
    for (const HookEdit& edit : of_.stack.members()[queries.member].cell->edits) {
      if (edit.at != HookPoint{hook, of_.layer}) continue;
      for (std::size_t i = 0; i < queries.count; ++i)
        if (std::binary_search(edit.positions->begin(), edit.positions->end(), queries.first_position + i))
          edit.edit->apply(HookValue<float>{rows.data() + i * capacity,
                                            {heads, 1, positions},
                                            {queries.count * capacity, capacity, 1},
                                            queries.first_position + i});
    }
  }

  const StackAttention& of_;
  const CleanBlock* clean_;
};

}  // namespace

std::vector<HeadKeysValues> StackAttention::run_clean() const {
  const Attention attention(*this, nullptr);
  const std::size_t heads = config.n_heads, members = stack.members().size();
  std::vector<std::optional<HeadKeysValues>> made(members * heads);
  parallel_for(made.size(), [&](std::size_t i) { made[i].emplace(attention.own_keys_values(i / heads, i % heads)); });
  std::vector<HeadKeysValues> keys_values;
  keys_values.reserve(made.size());
  for (auto& one : made) keys_values.push_back(std::move(*one));
  const auto queries = attention.queries();
  parallel_for(queries.size() * heads, [&](std::size_t i) {
    const Queries& of = queries[i / heads];
    attention.attend(of, &keys_values[of.member * heads + i % heads], i % heads);
  });
  return keys_values;
}

double StackAttention::run(const CleanBlock& clean) const {
  const Attention attention(*this, &clean);
  const std::size_t heads = config.n_heads;
  const auto queries = attention.queries();
  // The queries of one member lie behind one another: one task is all of them for one head, or with edits for all.
  struct Task {
    std::size_t first, end, member;
    std::optional<std::size_t> head;
  };
  std::vector<Task> tasks;
  double operations = 0;
  for (std::size_t first = 0; first < queries.size();) {
    std::size_t end = first;
    for (; end < queries.size() && queries[end].member == queries[first].member; ++end)
      for (std::size_t i = 0; i < queries[end].count; ++i)
        operations += 4 * static_cast<double>((queries[end].first_position + i + 1) * config.d_model);
    if (attention.edits_scores_or_pattern(queries[first].member))
      tasks.push_back({first, end, queries[first].member, std::nullopt});
    else
      for (std::size_t head = 0; head < heads; ++head) tasks.push_back({first, end, queries[first].member, head});
    first = end;
  }
  parallel_for(tasks.size(), [&](std::size_t t) {
    const Task& task = tasks[t];
    const bool has_own = stack.members()[task.member].cone.own_keys_from.has_value();
    const auto sees_own = [&](const Queries& of) {
      return has_own && of.first_position >= *stack.members()[task.member].cone.own_keys_from;
    };
    std::vector<HeadKeysValues> own;
    if (has_own)
      for (std::size_t head = task.head.value_or(0); head < (task.head ? *task.head + 1 : heads); ++head)
        own.push_back(attention.own_keys_values(task.member, head));
    const std::vector<HeadKeysValues> none;
    for (std::size_t i = task.first; i < task.end; ++i) {
      if (task.head)
        attention.attend(queries[i], sees_own(queries[i]) ? &own[0] : nullptr, *task.head);
      else
        attention.attend_with_edits(queries[i], sees_own(queries[i]) ? own : none);
    }
  });
  return operations;
}

}  // namespace stratoscope
