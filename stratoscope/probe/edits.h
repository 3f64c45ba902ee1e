// Resolves the text of an edit to the edits of a run: looks up names and indices in the model and reads operands.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/error.h"
#include "stratoscope/model/model.h"
#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/probe/hook_names.h"

namespace stratoscope {
class VectorFiles;  // internal
}

namespace STRATOSCOPE_API stratoscope {

// The value of one hook point in one run of one text, in double; its axes are those of the hook point.
using PointValues = BasicTensor<double>;

// The rows that edits may act on, of a text that may still grow.
struct TextExtent {
  std::size_t now = 0;   // the current number of positions: negative indices count from here
  std::size_t most = 0;  // the final number of positions: smaller indices are valid even before the position exists
  // Edits act on positions from here on. If it is not 0, an index counts from the end of the text as it was when the
  // position was the newest one: [-1] selects every new position.
  std::size_t from = 0;
};

// The values that edits of one text read from other runs: `mean` from its own clean run, `corrupt` from the clean run
// of the other text. prepare() makes each run once for all hook points.
class EditSources {
 public:
  // `corrupt` may be empty. The model must outlive this object. Each vector file is read once, also when several
  // objects share `vectors`.
  EditSources(const Model& model, TokenIds text, TokenIds corrupt, std::shared_ptr<VectorFiles> vectors = {});

  // Runs the model for all hook points that the expressions read.
  void prepare(std::span<const EditExpression> expressions, Progress* progress = nullptr);

  // Both after prepare(). A mean is over the positions: [heads or 1, last axis], row-major.
  std::shared_ptr<const PointValues> mean(HookPoint point) const { return means_.at(point); }
  std::shared_ptr<const PointValues> corrupt(HookPoint point) const { return corrupt_.at(point); }
  VectorFiles& vectors() const { return *vectors_; }

  const Model& model() const { return model_; }
  // The extent that positions in an edit refer to.
  const TextExtent& extent() const { return extent_; }
  void set_extent(const TextExtent& extent) { extent_ = extent; }
  // Changes to another text, which needs prepare() again; the values of the corrupt text stay. With `start` the clean
  // run begins there.
  void set_text(TokenIds text, std::shared_ptr<const Start> start = {});
  std::size_t text_positions() const { return text_.size(); }
  std::size_t corrupt_positions() const { return corrupt_ids_.size(); }

 private:
  using Values = std::map<HookPoint, std::shared_ptr<const PointValues>>;
  enum class Keep { everything, mean };
  void run(const TokenIds& ids, const std::shared_ptr<const Start>& start, std::vector<HookPoint> points, Keep keep,
           Values& values, Progress* progress) const;

  const Model& model_;
  TokenIds text_, corrupt_ids_;
  std::shared_ptr<const Start> start_;
  TextExtent extent_;
  Values means_, corrupt_;
  std::shared_ptr<VectorFiles> vectors_;
};

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
// text. Throws Error for a selector of an axis that the hook point does not have, an index out of range, a vector of
// the wrong length, `mean` at a hook point with a key axis, and a `corrupt` whose text is missing or of another length.
std::vector<HookEdit> resolve_edit(const EditExpression& expression, const EditSources& sources,
                                   std::size_t sequence = 0);

// Hook points and positions only, without operands, for a plan. Needs no prepare() and runs nothing; makes all checks
// that need no run.
std::vector<HookEdit> place_edit(const EditExpression& expression, const EditSources& sources,
                                 std::size_t sequence = 0);

// The hook points whose values the expressions read from the clean run and from the corrupt run.
struct ReadPoints {
  std::vector<HookPoint> mean, corrupt;
};
ReadPoints points_that_are_read(std::span<const EditExpression> expressions, const ModelConfig& config);

// Makes those checks of resolve_edit that depend on the length of the text and on indices, before prepare().
void check_edit_of_text(const EditExpression& expression, const EditSources& sources);

// Throws Error if a text for `corrupt` was given and no edit reads it.
void check_corrupt_is_read(std::span<const EditExpression> expressions, bool given);

// The edits whose hook may match several hook points, with their matches.
std::vector<GlobMatch> globs_of(std::span<const EditExpression> edits, const ModelConfig& config);

// Whether the edit only scales the last block's output by a positive factor, which the final norm cancels.
bool cancelled_by_final_norm(const EditExpression& expression, const ModelConfig& config);

}  // namespace stratoscope
