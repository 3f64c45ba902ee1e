#include "stratoscope/probe/value_edit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "stratoscope/probe/keyed_random.h"
#include "stratoscope/probe/median.h"

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

template <class T>
double mean_of_row(std::span<const T> row) {
  double sum = 0;
  for (const T x : row) sum += static_cast<double>(x);
  return sum / static_cast<double>(row.size());
}

}  // namespace

ValueEdit::ValueEdit(HookPoint point, ValueChange change, Chosen chosen)
    : name_(name_of(point)),
      pos_axis_(info_of(point.hook).axes[0] == HookAxis::pos ? 0 : 1),
      has_keys_(info_of(point.hook).has_axis(HookAxis::key)),
      change_(std::move(change)),
      chosen_(std::move(chosen)) {}

ValueEdit::ValueEdit(Hook hook, EditOp op, Operand operand, Chosen chosen)
    : ValueEdit(HookPoint{hook, 0}, ValueChange{.op = op, .terms = {std::move(operand)}}, std::move(chosen)) {}

void ValueEdit::apply(const HookValue<float>& value) const { apply_to(value); }
void ValueEdit::apply(const HookValue<double>& value) const { apply_to(value); }

template <class T>
void ValueEdit::apply_to(const HookValue<T>& value) const {
  std::array<std::size_t, 3> first{};
  first[pos_axis_] = value.first_position;
  std::array<std::vector<std::size_t>, 3> indices;
  for (std::size_t axis = 0; axis < 3; ++axis)
    indices[axis] = indices_within(chosen_[axis], first[axis], value.shape[axis]);
  std::vector<double> operand;
  for (const std::size_t i : indices[0]) {
    for (const std::size_t j : indices[1]) {
      const Row<T> row{&value(i - first[0], j - first[1], 0), value.shape[2], i, j};
      if (change_.span) {
        remove_span(row);
        continue;
      }
      std::vector<std::size_t> of_row;
      if (has_keys_) of_row = indices_within(chosen_[2], 0, position_of(i, j) + 1);
      if (change_.by_value) of_row = chosen_by_value(row, indices[2]);
      const std::span<const std::size_t> dims = has_keys_ || change_.by_value ? of_row : indices[2];
      operand.resize(dims.size());
      for (const Operand& term : change_.terms) add_term(term, row, dims, &term == change_.terms.data(), operand);
      rewrite<T>(row.data, dims, operand);
    }
  }
}

template <class T>
std::vector<std::size_t> ValueEdit::chosen_by_value(const Row<T>& row, std::vector<std::size_t> dims) const {
  const ValueSelector& by_value = *change_.by_value;
  const std::size_t wanted = by_value.among(dims.size());
  if (by_value.kind == ValueSelector::Kind::random) {
    const RowRandom random(by_value.seed, name_, position_of(row.i, row.j), head_of(row.i, row.j));
    std::vector<std::uint64_t> order(row.width);
    for (const std::size_t d : dims) order[d] = random.bits(d, 0);
    return first_by(std::move(dims), wanted, [&](std::size_t a, std::size_t b) { return order[a] < order[b]; });
  }
  const bool is_top = by_value.kind == ValueSelector::Kind::top;
  return first_by(std::move(dims), wanted, [&](std::size_t a, std::size_t b) {
    const T x = row.data[a], y = row.data[b];
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x);  // NaN is last
    return is_top ? x > y : x < y;
  });
}

template <class T>
void ValueEdit::add_term(const Operand& term, const Row<T>& row, std::span<const std::size_t> dims, bool is_first,
                         std::vector<double>& operand) const {
  const auto add = [&](const auto& number_at) {
    for (std::size_t n = 0; n < dims.size(); ++n) {
      const double number = number_at(dims[n]);
      const double product = !std::isinf(number) ? number * term.factor : term.factor == 0 ? 0 : number;
      operand[n] = is_first ? product : operand[n] + product;
    }
  };
  const std::span<const T> whole(row.data, row.width);
  switch (term.row) {
    case Operand::Row::given: {
      const double* numbers = term.numbers().data() + row.i * term.stride[0] + row.j * term.stride[1];
      return add([&](std::size_t d) { return numbers[d * term.stride[2]]; });
    }
    case Operand::Row::mean: return add([mean = mean_of_row(whole)](std::size_t) { return mean; });
    case Operand::Row::median:
      return add([median = median_of(std::vector<double>(whole.begin(), whole.end()))](std::size_t) { return median; });
    case Operand::Row::noise: {
      const RowRandom random(term.seed, name_, position_of(row.i, row.j), head_of(row.i, row.j));
      return add([&](std::size_t d) { return term.deviation * random.normal(d); });
    }
  }
}

template <class T>
void ValueEdit::rewrite(T* data, std::span<const std::size_t> dims, std::span<const double> operand) const {
  double along = 0;
  if (change_.op == EditOp::without) {
    double dot = 0, square = 0;
    for (std::size_t n = 0; n < dims.size(); ++n) {
      const double y = operand[n];
      if (std::isinf(y)) continue;
      dot += static_cast<double>(data[dims[n]]) * y;
      square += y * y;
    }
    along = square > 0 ? dot / square : 0;
  }
  for (std::size_t n = 0; n < dims.size(); ++n) {
    const double y = operand[n];
    T& x = data[dims[n]];
    if (std::isinf(y) && change_.op != EditOp::set) continue;
    switch (change_.op) {
      case EditOp::multiply: x *= static_cast<T>(y); break;
      case EditOp::add: x += static_cast<T>(y); break;
      case EditOp::set: x = static_cast<T>(y); break;
      case EditOp::without: x = static_cast<T>(static_cast<double>(x) - along * y); break;
    }
  }
}

template <class T>
void ValueEdit::remove_span(const Row<T>& row) const {
  const auto directions = change_.span->matrix();
  std::vector<double> rest(row.data, row.data + row.width);
  for (std::size_t r = 0; r < directions.rows; ++r) {
    const double* direction = directions.row(r);
    const double dot = std::inner_product(rest.begin(), rest.end(), direction, 0.0);
    for (std::size_t d = 0; d < row.width; ++d) rest[d] -= dot * direction[d];
  }
  for (std::size_t d = 0; d < row.width; ++d) row.data[d] = static_cast<T>(rest[d]);
}

}  // namespace stratoscope
