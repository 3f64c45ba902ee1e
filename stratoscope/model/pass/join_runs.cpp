#include "stratoscope/model/pass/join_runs.h"

#include <algorithm>

#include "stratoscope/model/pass/hooks.h"

namespace stratoscope {
namespace {

std::size_t product(const Shape& shape, std::size_t first, std::size_t last) {
  std::size_t count = 1;
  for (std::size_t axis = first; axis < last; ++axis) count *= shape[axis];
  return count;
}

// Concatenates all parts along `pos_axis`; `whole` is large enough for them.
template <class T, class ValueOf>
BasicTensor<T> joined(const std::vector<Run<T>>& pieces, BasicTensor<T> whole, std::size_t pos_axis,
                      const ValueOf& value_of) {
  std::size_t first = 0;
  for (const Run<T>& piece : pieces) {
    place_rows(value_of(piece), whole, pos_axis, first);
    first += value_of(piece).shape()[pos_axis];
  }
  return whole;
}

}  // namespace

template <class T>
void place_rows(const BasicTensor<T>& part, BasicTensor<T>& whole, std::size_t pos_axis, std::size_t first) {
  const Shape &from = part.shape(), &to = whole.shape();
  const std::size_t outer = product(from, 0, pos_axis);
  const std::size_t inner_from = product(from, pos_axis + 1, from.size());
  const std::size_t inner_to = product(to, pos_axis + 1, to.size());
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t row = 0; row < from[pos_axis]; ++row)
      std::copy_n(part.data() + (o * from[pos_axis] + row) * inner_from, inner_from,
                  whole.data() + (o * to[pos_axis] + first + row) * inner_to);
}

std::size_t pos_axis_of(HookPoint point) { return info_of(point.hook).axes[0] == HookAxis::pos ? 0 : 1; }

template <class T>
Run<T> join_runs(const std::vector<Run<T>>& pieces, const ModelConfig& config) {
  const Run<T>& last = pieces.back();
  const auto total = [&](const auto& value_of, std::size_t axis) {
    std::size_t rows = 0;
    for (const Run<T>& piece : pieces) rows += value_of(piece).shape()[axis];
    return rows;
  };
  Run<T> whole;
  std::size_t rows = 0;
  for (const Run<T>& piece : pieces) rows += piece.rows();
  whole.row_offsets = {0, rows};
  const auto states = [](const Run<T>& run) -> const BasicTensor<T>& { return run.hidden_states; };
  const auto logits = [](const Run<T>& run) -> const BasicTensor<T>& { return run.logits; };
  if (!last.hidden_states.empty())
    whole.hidden_states =
        joined(pieces, BasicTensor<T>({last.hidden_states.shape()[0], rows, config.d_model}), 1, states);
  if (!last.logits.empty()) whole.logits = joined(pieces, BasicTensor<T>({rows, config.d_vocab}), 0, logits);
  for (std::size_t i = 0; i < last.captured.size(); ++i) {
    const auto& [point, value] = last.captured[i];
    const auto captured = [i](const Run<T>& run) -> const BasicTensor<T>& { return run.captured[i].second; };
    const std::size_t axis = pos_axis_of(point);
    const bool has_keys = info_of(point.hook).has_axis(HookAxis::key);
    const std::size_t heads = info_of(point.hook).has_axis(HookAxis::head) ? value.shape()[1 - axis] : 1;
    whole.captured.emplace_back(point, joined(pieces,
                                              capture_tensor<T>(point, config, total(captured, axis), heads,
                                                                has_keys ? value.shape().back() : 0),
                                              axis, captured));
  }
  return whole;
}

template void place_rows(const BasicTensor<float>&, BasicTensor<float>&, std::size_t, std::size_t);
template void place_rows(const BasicTensor<double>&, BasicTensor<double>&, std::size_t, std::size_t);
template Run<float> join_runs(const std::vector<Run<float>>&, const ModelConfig&);
template Run<double> join_runs(const std::vector<Run<double>>&, const ModelConfig&);

}  // namespace stratoscope
