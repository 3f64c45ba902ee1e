#include "stratoscope/probe/edit_operands.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/probe/orthonormal.h"
#include "stratoscope/probe/vector_files.h"

namespace stratoscope {
namespace {

// For messages: "v.npy: "; nothing for a typed vector.
std::string file_of(const EditTerm& term) { return term.vector_file.empty() ? "" : term.vector_file + ": "; }

bool is_vector(const Shape& shape, std::size_t length) {  // [1, d] too, as a slice of one row of a matrix
  return element_count(shape) == length &&
         std::count_if(shape.begin(), shape.end(), [](std::size_t n) { return n != 1; }) <= 1;
}

[[noreturn]] void refuse_shape(const EditTerm& term, const Shape& shape, const EditPlace& place,
                               const std::string& problem = {}) {
  const std::string last = std::to_string(place.axes.last);
  throw Error("edit", file_of(term) + "the vector has shape " + to_string(shape) + ", but " + name_of(place.point) +
                          " needs " + (problem.empty() ? "[" + last + "]" : problem));
}

// A vector, a matrix with a row for each position of the text, or the values of all heads at each position.
std::size_t positions_of_rows(const EditTerm& term, const Shape& shape, const EditPlace& place, std::size_t positions) {
  const std::size_t last = place.axes.last, heads = place.axes.heads;
  const bool of_heads = !place.axes.has_keys && heads > 1 && shape == Shape{positions, heads, last};
  if (of_heads || shape == Shape{positions, last}) return positions;
  if (shape.size() == 2 && shape[1] == last)
    refuse_shape(
        term, shape, place,
        "[" + std::to_string(last) + "], or a row for each of the " + std::to_string(positions) + " positions");
  refuse_shape(term, shape, place);
}

void check_numbers(const EditTerm& term, double largest) {
  if (!std::isfinite(static_cast<float>(largest * term.number)))
    throw Error("edit", file_of(term) + "the vector holds NaN or infinity, as float32");
}

Operand typed_vector_operand(const EditTerm& term, const EditPlace& place) {
  Operand operand{*term.vector_values, {0, 0, 1}};
  operand.factor = term.number;
  if (operand.values.size() != place.axes.last) refuse_shape(term, {operand.values.size()}, place);
  double largest = 0;
  for (const double number : operand.values)
    largest = std::isnan(number) ? number : std::max(largest, std::abs(number));
  check_numbers(term, largest);
  return operand;
}

const VectorFiles::Vector& read_vector(const EditTerm& term, const EditSources& sources, const EditPlace& place) {
  const auto& vector = sources.vectors().read(term.vector_file, term.vector_tensor, place.axes.last);
  if (!vector.numbers) refuse_shape(term, vector.shape, place);
  check_numbers(term, vector.largest);
  return vector;
}

Operand vector_operand(const EditTerm& term, const EditSources& sources, const EditPlace& place) {
  if (term.vector_values) return typed_vector_operand(term, place);
  const auto& vector = read_vector(term, sources, place);
  Operand operand{{}, {0, 0, 1}, vector.numbers};
  operand.factor = term.number;
  if (is_vector(vector.shape, place.axes.last)) return operand;
  const std::size_t positions = positions_of_rows(term, vector.shape, place, sources.text_positions());
  operand.stride[place.axes.pos] = vector.numbers->size() / positions;
  if (vector.shape.size() == 3) operand.stride[place.axes.head] = place.axes.last;
  return operand;
}

// The position of the other run that every row reads, if not its own: the named one, or the only one that the edit
// selects.
std::optional<std::size_t> position_read(const EditTerm& term, const EditSources& sources, const EditPlace& place) {
  const std::size_t positions = sources.positions_of(term.source);
  if (term.position) return term.position->in(positions, "position");
  const auto& chosen = place.positions();
  return chosen && chosen->size() == 1 && chosen->front() < positions ? std::optional(chosen->front()) : std::nullopt;
}

Operand run_operand(const EditTerm& term, const EditSources& sources, const EditPlace& place) {
  const ValueAxes& axes = place.axes;
  const auto shared = sources.values({term.source, place.point});
  const PointValues& values = *shared;
  const std::size_t last = values.shape().back(), positions = sources.positions_of(term.source);
  Operand operand{{}, {0, 0, 1}, shared};
  operand.factor = term.number;
  operand.stride[axes.pos] = axes.has_keys ? last : values.size() / positions;
  operand.stride[axes.head] = axes.has_keys ? positions * last : last;
  if (const auto position = position_read(term, sources, place)) {
    operand.offset = *position * operand.stride[axes.pos];
    operand.stride[axes.pos] = 0;
  }
  return operand;
}

Operand row_operand(const EditTerm& term, Operand::Row row) {
  Operand operand;
  operand.factor = term.number;
  operand.row = row;
  operand.deviation = term.deviation;
  operand.seed = term.seed;
  return operand;
}

Operand operand_of(const EditTerm& term, const EditSources& sources, const EditPlace& place) {
  switch (term.source) {
    case EditSource::number: return {{term.number}, {0, 0, 0}};
    case EditSource::mean:
    case EditSource::median: {
      Operand operand{{}, {0, place.axes.last, 1}, sources.values({term.source, place.point})};
      operand.factor = term.number;
      return operand;
    }
    case EditSource::clean:
    case EditSource::corrupt: return run_operand(term, sources, place);
    case EditSource::row_mean: return row_operand(term, Operand::Row::mean);
    case EditSource::row_median: return row_operand(term, Operand::Row::median);
    case EditSource::noise: return row_operand(term, Operand::Row::noise);
    default: return vector_operand(term, sources, place);
  }
}

// The operand may hold one vector, or one for each position or head.
bool has_direction(const Operand& operand, const EditPlace& place) {
  if (operand.row == Operand::Row::noise) return operand.deviation * operand.factor != 0;
  if (operand.row != Operand::Row::given) return operand.factor != 0;
  const auto numbers = operand.numbers();
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i] * operand.factor != 0 &&
        (!place.dims() || std::binary_search(place.dims()->begin(), place.dims()->end(), i % place.axes.last)))
      return true;
  return false;
}

[[noreturn]] void refuse_direction() { throw Error("edit", "the vector of 'without' is zero and has no direction"); }

// `without FILE` of a matrix: its rows are directions.
bool removes_span(const EditExpression& expression, const EditSources& sources, const EditPlace& place) {
  if (expression.op != EditOp::without) return false;
  for (const EditTerm& term : expression.terms) {
    if (term.source != EditSource::vector || term.vector_values) continue;
    if (is_vector(read_vector(term, sources, place).shape, place.axes.last)) continue;
    if (expression.terms.size() > 1)
      throw Error("edit", "a matrix of directions is no term of a sum", "write HOOK without FILE");
    if (expression.by_value)
      throw Error("edit", "a matrix of directions is not removed from numbers chosen by value",
                  "leave out .top, .bottom or .random");
    return true;
  }
  return false;
}

// The rows of the matrix within the selected dimensions.
std::shared_ptr<const BasicTensor<double>> span_of(const EditTerm& term, const EditSources& sources,
                                                   const EditPlace& place) {
  const auto& vector = read_vector(term, sources, place);
  if (vector.shape.size() != 2) refuse_shape(term, vector.shape, place);
  auto span = sources.vectors().span(term.vector_file, term.vector_tensor, place.dims());
  if (span->shape()[0] == 0) refuse_direction();
  return span;
}

}  // namespace

bool reads_rows(const EditExpression& expression, const EditSources& sources, const EditPlace& place) {
  if (removes_span(expression, sources, place)) return false;
  return std::any_of(expression.terms.begin(), expression.terms.end(), [&](const EditTerm& term) {
    switch (term.source) {
      case EditSource::clean:
      case EditSource::corrupt: return place.axes.has_keys || !position_read(term, sources, place);
      case EditSource::vector:
        return place.axes.has_keys ||
               (!term.vector_values && !is_vector(read_vector(term, sources, place).shape, place.axes.last));
      default: return false;
    }
  });
}

ValueChange change_of(const EditExpression& expression, const EditSources& sources, const EditPlace& place) {
  ValueChange change;
  change.op = expression.op;
  change.by_value = expression.by_value;
  if (removes_span(expression, sources, place)) {
    change.span = span_of(expression.terms[0], sources, place);
    return change;
  }
  for (const EditTerm& term : expression.terms) change.terms.push_back(operand_of(term, sources, place));
  const auto directs = [&](const Operand& operand) { return has_direction(operand, place); };
  if (change.op == EditOp::without && std::none_of(change.terms.begin(), change.terms.end(), directs))
    refuse_direction();
  return change;
}

void check_operands(const EditExpression& expression, const EditSources& sources, const EditPlace& place) {
  if (!expression.reads_other_run()) static_cast<void>(change_of(expression, sources, place));
}

}  // namespace stratoscope
