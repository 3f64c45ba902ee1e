// Resolves the text of an edit to the edits of a run: looks up names and indices in the model and reads operands.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/error.h"
#include "stratoscope/model/model.h"
#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/probe/edit_sources.h"
#include "stratoscope/probe/hook_names.h"

namespace STRATOSCOPE_API stratoscope {

// An edit that does not fit its text.
class EditError : public Error {
 public:
  using Error::Error;
};

// Thrown for `corrupt` without a position and texts of different lengths; a user interface may add both tokenisations.
class LengthMismatch : public EditError {
 public:
  using EditError::EditError;
};

// The edits of one expression for sequence `sequence` of a request, one for each matching hook point. Positions are
// those of the sources' text; without a selector an edit acts on every row of the sequence, also on rows after that
// text. Throws Error for a selector of an axis that the hook point does not have, an index out of range, a text that
// the text does not contain, a vector of the wrong shape, means, medians and numbers chosen by value at a hook point
// with a key axis, and a `corrupt` whose text is missing or of another length.
std::vector<HookEdit> resolve_edit(const EditExpression& expression, const EditSources& sources,
                                   std::size_t sequence = 0);

// Hook points and positions only, without operands, for a plan. Needs no prepare() and runs nothing; makes all checks
// that need no run.
std::vector<HookEdit> place_edit(const EditExpression& expression, const EditSources& sources,
                                 std::size_t sequence = 0);

// Makes those checks of resolve_edit that depend on the hook point alone.
void check_edit_of_point(const EditExpression& expression, HookPoint point, const ModelConfig& config);

// Makes those checks of resolve_edit that depend on the length of the text and on indices, before prepare().
void check_edit_of_text(const EditExpression& expression, const EditSources& sources);

// Throws Error if a text for `corrupt` was given and no edit reads it.
void check_corrupt_is_read(std::span<const EditExpression> expressions, bool given);

// The edits whose hook may match several hook points, with their matches.
std::vector<GlobMatch> globs_of(std::span<const EditExpression> edits, const ModelConfig& config);

// Whether the edit only scales the last block's output by a positive factor, which the final norm cancels.
bool cancelled_by_final_norm(const EditExpression& expression, const ModelConfig& config);

}  // namespace stratoscope
