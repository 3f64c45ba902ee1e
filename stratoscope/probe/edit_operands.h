// The operand of an edit at one hook point: its terms as numbers.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "stratoscope/probe/edit_sources.h"
#include "stratoscope/probe/value_axes.h"
#include "stratoscope/probe/value_edit.h"

namespace stratoscope {

// The hook point of an edit and what it selects there.
struct EditPlace {
  HookPoint point;
  ValueAxes axes;
  Chosen chosen;

  const std::optional<std::vector<std::size_t>>& positions() const { return chosen[axes.pos]; }
  const std::optional<std::vector<std::size_t>>& dims() const { return chosen[2]; }
};

// Whether a term has a row of numbers for each position of its text, and none for rows after it. Reads the shape of a
// vector's file.
bool reads_rows(const EditExpression& expression, const EditSources& sources, const EditPlace& place);

// The operation with its operand. Throws Error for a vector of the wrong shape, numbers that are not finite, and a
// direction that is zero.
ValueChange change_of(const EditExpression& expression, const EditSources& sources, const EditPlace& place);

// Those checks of change_of that need no other run.
void check_operands(const EditExpression& expression, const EditSources& sources, const EditPlace& place);

}  // namespace stratoscope
