// The edit that every textual edit becomes: selected entries, one operation, one operand.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/model/run.h"

namespace STRATOSCOPE_API stratoscope {

enum class EditOp {
  multiply,
  add,
  set,
  without,  // x - v (x·v)/(v·v): removes the component along v
};

// values[i * stride[0] + j * stride[1] + k * stride[2]] belongs to entry [i, j, k] of the hook point's value for the
// whole text; a stride of 0 repeats along that axis. It stays in double until the edit is applied.
struct Operand {
  std::vector<double> values;
  std::array<std::size_t, 3> stride{};
  // Instead of `values`: an array that several edits share, from `offset` on.
  std::shared_ptr<const BasicTensor<double>> shared = {};
  std::size_t offset = 0;
  double factor = 1;  // of every number

  std::span<const double> numbers() const { return shared ? shared->values().subspan(offset) : std::span(values); }
};

// Ascending indices along each axis of a HookValue; nullopt selects all.
using Chosen = std::array<std::optional<std::vector<std::size_t>>, 3>;

class ValueEdit : public Edit {
 public:
  // On the pos axis of `point` the indices are positions in the text; those outside of the rows of a run are skipped,
  // and on a key axis also the masked keys. An operand of -inf, the score of a masked key of another text, is written
  // by `set` and ignored by the other operations.
  ValueEdit(Hook hook, EditOp op, Operand operand, Chosen chosen);

  void apply(const HookValue<float>& value) const override;
  void apply(const HookValue<double>& value) const override;

 private:
  template <class T>
  void apply_to(const HookValue<T>& value) const;
  template <class T>
  void rewrite_vector(T* data, const double* operand, const std::vector<std::size_t>& dims) const;

  std::size_t pos_axis_;
  bool has_keys_;
  EditOp op_;
  Operand operand_;
  Chosen chosen_;
};

}  // namespace stratoscope
