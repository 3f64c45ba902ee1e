#include "stratoscope/model/stack_block.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "stratoscope/base/threads.h"
#include "stratoscope/model/stack_attention.h"
#include "stratoscope/ops/activation.h"
#include "stratoscope/ops/add.h"
#include "stratoscope/ops/norm.h"

namespace stratoscope {
namespace {

template <class T>
MatrixView<T> rows_of(MatrixView<T> matrix, Stack::Range range) {
  return matrix.rows_from(range.first, range.count());
}

MatrixView<float> rows_of(Tensor& tensor, Stack::Range range) { return rows_of(tensor.matrix(), range); }

// Rows that join here are the clean run's.
void take_clean(const Stack& stack, Stack::Range range, const CleanBlock* clean, const Tensor& from, Tensor& to) {
  if (clean == nullptr) return;
  parallel_for(range.count(), [&](std::size_t i) {
    const StackRow& row = stack.rows()[range.first + i];
    const std::size_t place = clean->place_of(stack.members()[row.member].text, row.row.position);
    std::copy_n(from.matrix().row(place), from.shape().back(), to.matrix().row(range.first + i));
  });
}

}  // namespace

StackValues::StackValues(const ModelConfig& config, std::size_t rows)
    : resid_pre({rows, config.d_model}),
      scale({rows, 1}),
      normalized({rows, config.d_model}),
      normed({rows, config.d_model}),
      qkv({rows, 3 * config.d_model}),
      z({rows, config.d_model}),
      attn_out({rows, config.d_model}),
      resid_mid({rows, config.d_model}),
      mlp({rows, config.d_mlp}),
      mlp_out({rows, config.d_model}),
      resid_post({rows, config.d_model}) {}

CleanBlock::CleanBlock(const ModelConfig& config, Stack clean, bool keeps_mlp_pre)
    : stack(std::move(clean)), values(config, stack.size()) {
  if (keeps_mlp_pre) mlp_pre = Tensor({stack.size(), config.d_mlp});
}

bool fire(const Stack& stack, HookPoint point, Stack::Range range, MatrixView<float> values,
          const ModelConfig& config) {
  bool acted = false;
  const Shape shape = shape_of(point, config, 1);
  const std::size_t middle = shape.size() == 3 ? shape[1] : 1;
  for (std::size_t m = 0; m < stack.members().size(); ++m) {
    const Cell* cell = stack.members()[m].cell;
    if (cell == nullptr) continue;
    for (const HookEdit& edit : cell->edits) {
      if (edit.at != point) continue;
      // Positions that lie behind one another in the text and in the matrix are one value.
      const auto& positions = *edit.positions;
      for (std::size_t i = 0; i < positions.size();) {
        const auto place = stack.place_of(m, positions[i]);
        std::size_t count = 1;
        if (place && *place >= range.first && *place < range.end) {
          while (i + count < positions.size() && positions[i + count] == positions[i] + count &&
                 *place + count < range.end && stack.place_of(m, positions[i + count]) == *place + count)
            ++count;
          edit.edit->apply(HookValue<float>{
              values.row(*place), {count, middle, shape.back()}, {values.stride, shape.back(), 1}, positions[i]});
          acted = true;
        }
        i += count;
      }
    }
  }
  return acted;
}

StackBlock::StackBlock(const Checkpoint& checkpoint, const ModelConfig& config, const BlockWeights& weights,
                       std::size_t layer)
    : checkpoint_(checkpoint), config_(config), weights_(weights), layer_(layer) {}

void StackBlock::multiply(const PackedMatrix& weights, MatrixView<const float> x, MatrixView<float> y) {
  weights.multiply(x, y);
  operations_.products +=
      2 * static_cast<double>(x.rows) * static_cast<double>(weights.in()) * static_cast<double>(weights.out());
}

void stack_norm(const Stack& stack, Stack::Range range, const ModelConfig& config, const NormWeights& weights,
                NormPoints points, MatrixView<const float> x, StackValues& values) {
  const auto normalized = rows_of(values.normalized, range);
  const auto divisors = rows_of(values.scale, range);
  norm_statistics(NormKind::layer, x, static_cast<float>(config.layer_norm_eps), normalized, divisors);
  if (fire(stack, points.scale, range, values.scale.matrix(), config))
    normalize_by(NormKind::layer, x, divisors, normalized);
  fire(stack, points.normalized, range, values.normalized.matrix(), config);
  scale_and_shift(normalized, weights.weight.data(), weights.bias.data(), rows_of(values.normed, range));
}

void StackBlock::run_until_qkv(const Stack& stack, StackValues& values) {
  const Stack::Range range = stack.attended();
  fire(stack, {Hook::resid_pre, layer_}, range, values.resid_pre.matrix(), config_);
  stack_norm(stack, range, config_, weights_.ln1, {{Hook::ln1_scale, layer_}, {Hook::ln1_normalized, layer_}},
             rows_of(values.resid_pre, range), values);
  multiply(weights_.qkv, rows_of(values.normed, range), rows_of(values.qkv, range));
}

void StackBlock::run_clean(CleanBlock& clean) {
  run_until_qkv(clean.stack, clean.values);
  clean.keys_values = StackAttention{config_, layer_, clean.stack, clean.values}.run_clean();
  for (const StackMember& member : clean.stack.members())
    for (const ConeRow& row : member.cone.rows)
      if (!row.leaves) operations_.attention += 4 * static_cast<double>((row.position + 1) * config_.d_model);
  run_behind_attention(clean.stack, nullptr, clean.values, clean.mlp_pre.empty() ? nullptr : &clean.mlp_pre);
}

void StackBlock::run(const Stack& stack, const CleanBlock& clean, StackValues& values) {
  run_until_qkv(stack, values);
  take_clean(stack, stack.leaving_with_clean_keys(), &clean, clean.values.qkv, values.qkv);
  take_clean(stack, stack.joining(Join::attention), &clean, clean.values.qkv, values.qkv);
  const std::size_t d_model = config_.d_model;
  fire(stack, {Hook::q, layer_}, stack.with_keys(), values.qkv.matrix().cols_from(0, d_model), config_);
  fire(stack, {Hook::k, layer_}, stack.with_keys(), values.qkv.matrix().cols_from(d_model, d_model), config_);
  fire(stack, {Hook::v, layer_}, stack.with_keys(), values.qkv.matrix().cols_from(2 * d_model, d_model), config_);
  operations_.attention += StackAttention{config_, layer_, stack, values}.run(clean);
  for (const Join join : {Join::attention, Join::z, Join::attn_out})
    take_clean(stack, stack.joining(join), &clean, clean.values.resid_pre, values.resid_pre);
  run_behind_attention(stack, &clean, values, nullptr);
}

// attn_out is the sum of the heads in the rows that an edit changed; the others keep the product's bits.
void StackBlock::fire_result(const Stack& stack, StackValues& values) {
  const HookPoint point{Hook::result, layer_};
  std::vector<std::size_t> places;
  const Stack::Range range = stack.up_to(Join::z);
  for (std::size_t m = 0; m < stack.members().size(); ++m) {
    if (stack.members()[m].cell == nullptr) continue;
    for (const HookEdit& edit : stack.members()[m].cell->edits) {
      if (edit.at != point) continue;
      for (const std::size_t position : *edit.positions)
        if (const auto place = stack.place_of(m, position); place && *place >= range.first && *place < range.end)
          places.push_back(*place);
    }
  }
  if (places.empty()) return;
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  if (!head_results_) head_results_.emplace(checkpoint_, config_, layer_);
  // Results are wide, so they exist for some rows at a time.
  constexpr std::size_t kRows = 96;
  for (std::size_t begin = 0; begin < places.size(); begin += kRows) {
    const std::size_t count = std::min(kRows, places.size() - begin);
    Tensor z({count, config_.d_model});
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(values.z.matrix().row(places[begin + i]), config_.d_model, z.matrix().row(i));
    Tensor results = head_results_->of(std::as_const(z).matrix());
    operations_.products +=
        2 * static_cast<double>(count) * static_cast<double>(config_.d_model) * static_cast<double>(config_.d_model);
    const Tensor unedited = results.copy();
    for (std::size_t i = 0; i < count; ++i) {
      const StackRow& row = stack.rows()[places[begin + i]];
      for (const HookEdit& edit : stack.members()[row.member].cell->edits)
        if (edit.at == point && std::binary_search(edit.positions->begin(), edit.positions->end(), row.row.position))
          edit.edit->apply(HookValue<float>{results.matrix().row(i),
                                            {1, config_.n_heads, config_.d_model},
                                            {config_.n_heads * config_.d_model, config_.d_model, 1},
                                            row.row.position});
      const auto edited = std::as_const(results).matrix().row_span(i);
      if (std::memcmp(edited.data(), unedited.matrix().row(i), edited.size_bytes()) != 0)
        head_results_->sum(edited, values.attn_out.matrix().row(places[begin + i]));
    }
  }
}

void StackBlock::run_behind_attention(const Stack& stack, const CleanBlock* clean, StackValues& values,
                                      Tensor* keep_mlp_pre) {
  const auto join = [&](Join at, Tensor StackValues::*value) {
    if (clean != nullptr) take_clean(stack, stack.joining(at), clean, clean->values.*value, values.*value);
  };
  const auto fire_at = [&](Hook hook, Join last, Tensor& tensor) {
    fire(stack, {hook, layer_}, stack.up_to(last), tensor.matrix(), config_);
  };

  join(Join::z, &StackValues::z);
  fire_at(Hook::z, Join::z, values.z);
  Stack::Range range = stack.up_to(Join::z);
  multiply(weights_.attn_out, rows_of(values.z, range), rows_of(values.attn_out, range));
  fire_result(stack, values);

  join(Join::attn_out, &StackValues::attn_out);
  fire_at(Hook::attn_out, Join::attn_out, values.attn_out);
  range = stack.up_to(Join::attn_out);
  add(rows_of(values.resid_pre, range), rows_of(values.attn_out, range), rows_of(values.resid_mid, range));

  for (const Join at : {Join::resid_mid, Join::mlp_pre, Join::mlp_post, Join::mlp_out})
    join(at, &StackValues::resid_mid);
  fire_at(Hook::resid_mid, Join::resid_mid, values.resid_mid);
  range = stack.up_to(Join::resid_mid);
  stack_norm(stack, range, config_, weights_.ln2, {{Hook::ln2_scale, layer_}, {Hook::ln2_normalized, layer_}},
             rows_of(values.resid_mid, range), values);
  multiply(weights_.mlp_in, rows_of(values.normed, range), rows_of(values.mlp, range));

  if (clean != nullptr) take_clean(stack, stack.joining(Join::mlp_pre), clean, clean->mlp_pre, values.mlp);
  fire_at(Hook::mlp_pre, Join::mlp_pre, values.mlp);
  range = stack.up_to(Join::mlp_pre);
  if (keep_mlp_pre != nullptr) std::copy_n(values.mlp.data(), values.mlp.size(), keep_mlp_pre->data());
  activate(config_.activation, rows_of(values.mlp, range));

  join(Join::mlp_post, &StackValues::mlp);
  fire_at(Hook::mlp_post, Join::mlp_post, values.mlp);
  range = stack.up_to(Join::mlp_post);
  multiply(weights_.mlp_out, rows_of(values.mlp, range), rows_of(values.mlp_out, range));

  join(Join::mlp_out, &StackValues::mlp_out);
  fire_at(Hook::mlp_out, Join::mlp_out, values.mlp_out);
  range = stack.up_to(Join::mlp_out);
  add(rows_of(values.resid_mid, range), rows_of(values.mlp_out, range), rows_of(values.resid_post, range));

  join(Join::resid_post, &StackValues::resid_post);
  fire_at(Hook::resid_post, Join::resid_post, values.resid_post);
}

}  // namespace stratoscope
