#include "stratoscope/probe/value_edit.h"

#include <numeric>
#include <utility>

namespace stratoscope {

ValueEdit::ValueEdit(EditOp op, Operand operand, std::array<std::optional<std::vector<std::size_t>>, 3> chosen)
    : op_(op), operand_(std::move(operand)), chosen_(std::move(chosen)) {}

void ValueEdit::apply(const HookValue<float>& value) const { apply_to(value); }
void ValueEdit::apply(const HookValue<double>& value) const { apply_to(value); }

template <class T>
void ValueEdit::apply_to(const HookValue<T>& value) const {
  std::array<std::vector<std::size_t>, 3> indices;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (chosen_[axis]) {
      indices[axis] = *chosen_[axis];
    } else {
      indices[axis].resize(value.shape[axis]);
      std::iota(indices[axis].begin(), indices[axis].end(), std::size_t{0});
    }
  }
  for (const std::size_t i : indices[0])
    for (const std::size_t j : indices[1])
      rewrite_vector(value.data + i * value.stride[0] + j * value.stride[1],
                     operand_.values.data() + i * operand_.stride[0] + j * operand_.stride[1], indices[2]);
}

template <class T>
void ValueEdit::rewrite_vector(T* data, const double* operand, const std::vector<std::size_t>& dims) const {
  const std::size_t step = operand_.stride[2];
  double along = 0;
  if (op_ == EditOp::without) {  // x - v (x·v)/(v·v)
    double dot = 0, square = 0;
    for (const std::size_t d : dims) {
      dot += static_cast<double>(data[d]) * operand[d * step];
      square += operand[d * step] * operand[d * step];
    }
    along = square > 0 ? dot / square : 0;
  }
  for (const std::size_t d : dims) {
    const double y = operand[d * step];
    switch (op_) {
      case EditOp::multiply: data[d] *= static_cast<T>(y); break;
      case EditOp::add: data[d] += static_cast<T>(y); break;
      case EditOp::set: data[d] = static_cast<T>(y); break;
      case EditOp::without: data[d] = static_cast<T>(static_cast<double>(data[d]) - along * y); break;
    }
  }
}

}  // namespace stratoscope
