// The rewrite that every textual edit comes down to: chosen entries, one operation, one operand.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "stratoscope/model/run.h"
#include "stratoscope/probe/edit_grammar.h"

namespace stratoscope {

// values[i * stride[0] + j * stride[1] + k * stride[2]] belongs to entry [i, j, k] of a hook value; a stride of 0
// repeats along that axis. Stays in double until it meets the run's precision.
struct Operand {
  std::vector<double> values;
  std::array<std::size_t, 3> stride{};
};

class ValueEdit : public Edit {
 public:
  // chosen[a] are the indices along axis a of the HookValue; nothing means all of them.
  ValueEdit(EditOp op, Operand operand, std::array<std::optional<std::vector<std::size_t>>, 3> chosen);

  void apply(const HookValue<float>& value) const override;
  void apply(const HookValue<double>& value) const override;

 private:
  template <class T>
  void apply_to(const HookValue<T>& value) const;
  template <class T>
  void rewrite_vector(T* data, const double* operand, const std::vector<std::size_t>& dims) const;

  EditOp op_;
  Operand operand_;
  std::array<std::optional<std::vector<std::size_t>>, 3> chosen_;
};

}  // namespace stratoscope
