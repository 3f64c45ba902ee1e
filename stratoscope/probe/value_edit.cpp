#include "stratoscope/probe/value_edit.h"

#include <cmath>
#include <utility>

namespace stratoscope {
namespace {

// The selected indices in [first, first + count).
std::vector<std::size_t> indices_within(const std::optional<std::vector<std::size_t>>& chosen, std::size_t first,
                                        std::size_t count) {
  std::vector<std::size_t> indices;
  if (chosen) {
    for (const std::size_t index : *chosen)
      if (index >= first && index < first + count) indices.push_back(index);
  } else {
    for (std::size_t i = 0; i < count; ++i) indices.push_back(first + i);
  }
  return indices;
}

}  // namespace

ValueEdit::ValueEdit(Hook hook, EditOp op, Operand operand, Chosen chosen)
    : pos_axis_(info_of(hook).axes[0] == HookAxis::pos ? 0 : 1),
      has_keys_(info_of(hook).has_axis(HookAxis::key)),
      op_(op),
      operand_(std::move(operand)),
      chosen_(std::move(chosen)) {}

void ValueEdit::apply(const HookValue<float>& value) const { apply_to(value); }
void ValueEdit::apply(const HookValue<double>& value) const { apply_to(value); }

template <class T>
void ValueEdit::apply_to(const HookValue<T>& value) const {
  std::array<std::size_t, 3> first{};
  first[pos_axis_] = value.first_position;
  std::array<std::vector<std::size_t>, 3> indices;
  for (std::size_t axis = 0; axis < 3; ++axis)
    indices[axis] = indices_within(chosen_[axis], first[axis], value.shape[axis]);
  for (const std::size_t i : indices[0]) {
    for (const std::size_t j : indices[1]) {
      const double* operand = operand_.numbers().data() + i * operand_.stride[0] + j * operand_.stride[1];
      T* data = &value(i - first[0], j - first[1], 0);
      if (has_keys_)
        rewrite_vector(data, operand, indices_within(chosen_[2], 0, (pos_axis_ == 0 ? i : j) + 1));
      else
        rewrite_vector(data, operand, indices[2]);
    }
  }
}

template <class T>
void ValueEdit::rewrite_vector(T* data, const double* operand, const std::vector<std::size_t>& dims) const {
  const std::size_t step = operand_.stride[2];
  double along = 0;
  if (op_ == EditOp::without) {
    double dot = 0, square = 0;
    for (const std::size_t d : dims) {
      const double y = operand[d * step] * operand_.factor;
      if (std::isinf(y)) continue;
      dot += static_cast<double>(data[d]) * y;
      square += y * y;
    }
    along = square > 0 ? dot / square : 0;
  }
  for (const std::size_t d : dims) {
    const double y = operand[d * step] * operand_.factor;
    if (std::isinf(y) && op_ != EditOp::set) continue;
    switch (op_) {
      case EditOp::multiply: data[d] *= static_cast<T>(y); break;
      case EditOp::add: data[d] += static_cast<T>(y); break;
      case EditOp::set: data[d] = static_cast<T>(y); break;
      case EditOp::without: data[d] = static_cast<T>(static_cast<double>(data[d]) - along * y); break;
    }
  }
}

}  // namespace stratoscope
