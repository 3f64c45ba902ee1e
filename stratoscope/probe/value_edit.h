// The edit that every textual edit becomes: selected entries, one operation, one operand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/model/run.h"
#include "stratoscope/probe/value_selector.h"

namespace STRATOSCOPE_API stratoscope {

enum class EditOp {
  multiply,
  add,
  set,
  without,  // x - v (x·v)/(v·v): removes the component along v, or in the span of several directions
};

// One term of the operand. values[i * stride[0] + j * stride[1] + k * stride[2]] belongs to entry [i, j, k] of the hook
// point's value for the whole text; a stride of 0 repeats along that axis. It stays in double until the edit is
// applied.
struct Operand {
  std::vector<double> values;
  std::array<std::size_t, 3> stride{};
  // Instead of `values`: an array that several edits share, from `offset` on.
  std::shared_ptr<const BasicTensor<double>> shared = {};
  std::size_t offset = 0;
  double factor = 1;  // of every number

  // Instead of `values`: numbers made for each row when the edit is applied. Mean and median are over the row's whole
  // last axis, before this edit; noise is `deviation` times RowRandom's normal numbers.
  enum class Row { given, mean, median, noise };
  Row row = Row::given;
  double deviation = 0;
  std::uint64_t seed = 0;

  std::span<const double> numbers() const { return shared ? shared->values().subspan(offset) : std::span(values); }
};

struct ValueChange {
  EditOp op = EditOp::set;
  std::vector<Operand> terms = {};  // their sum is the operand
  // Of `without`, in place of the terms: orthonormal directions, [rank, last axis].
  std::shared_ptr<const BasicTensor<double>> span = {};
  std::optional<ValueSelector> by_value = {};  // among the selected indices of the last axis
};

// Ascending indices along each axis of a HookValue; nullopt selects all.
using Chosen = std::array<std::optional<std::vector<std::size_t>>, 3>;

class ValueEdit : public Edit {
 public:
  // On the pos axis of `point` the indices are positions in the text; those outside of the rows of a run are skipped,
  // and on a key axis also the masked keys. A term of -inf, the score of a masked key of another text, makes the
  // operand -inf unless its factor is 0; it is written by `set` and ignored by the other operations.
  ValueEdit(HookPoint point, ValueChange change, Chosen chosen);
  // With given numbers alone, for any block.
  ValueEdit(Hook hook, EditOp op, Operand operand, Chosen chosen);

  void apply(const HookValue<float>& value) const override;
  void apply(const HookValue<double>& value) const override;

 private:
  // One row of the last axis, by its indices on the first two axes.
  template <class T>
  struct Row {
    T* data;
    std::size_t width, i, j;
  };

  template <class T>
  void apply_to(const HookValue<T>& value) const;
  template <class T>
  std::vector<std::size_t> chosen_by_value(const Row<T>& row, std::vector<std::size_t> dims) const;
  template <class T>
  void add_term(const Operand& term, const Row<T>& row, std::span<const std::size_t> dims, bool is_first,
                std::vector<double>& operand) const;
  template <class T>
  void rewrite(T* data, std::span<const std::size_t> dims, std::span<const double> operand) const;
  template <class T>
  void remove_span(const Row<T>& row) const;

  std::size_t position_of(std::size_t i, std::size_t j) const { return pos_axis_ == 0 ? i : j; }
  std::size_t head_of(std::size_t i, std::size_t j) const { return pos_axis_ == 0 ? j : i; }

  std::string name_;
  std::size_t pos_axis_;
  bool has_keys_;
  ValueChange change_;
  Chosen chosen_;
};

}  // namespace stratoscope
