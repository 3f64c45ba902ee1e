// From an edit's text to what a run applies: names and indices looked up in the model, operands fetched.
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
class VectorFiles;  // hidden
}

namespace STRATOSCOPE_API stratoscope {

// One hook point's value in some run of one text, in double; its axes are the hook point's.
using PointValues = BasicTensor<double>;

// The rows that edits may act on, of a text that may still grow.
struct TextExtent {
  std::size_t now = 0;   // positions that the text has: negative indices count from here
  std::size_t most = 0;  // that it may have in the end: an index below is no error, though it may not be there yet
  // Edits act on positions from here on. Where this is not 0 a position is negative or not at the time when it is the
  // newest one: [-1] is then every new position.
  std::size_t from = 0;
};

// The values that edits of one text read from other runs: `mean` from its own clean run, `corrupt` from the clean run
// of the other text. Each run is made once, for all hook points that are asked together.
class EditSources {
 public:
  // `corrupt` is empty where none was given. The model must outlive this object. Files of vectors are read once, also
  // for all that share `vectors`.
  EditSources(const Model& model, TokenIds text, TokenIds corrupt, std::shared_ptr<VectorFiles> vectors = {});

  // Runs the model once for every hook point among the expressions that needs it.
  void prepare(std::span<const EditExpression> expressions, Progress* progress = nullptr);

  // Both after prepare(). A mean is over the positions, [heads or 1, last axis] end to end.
  std::shared_ptr<const PointValues> mean(HookPoint point) const { return means_.at(point); }
  std::shared_ptr<const PointValues> corrupt(HookPoint point) const { return corrupt_.at(point); }
  VectorFiles& vectors() const { return *vectors_; }

  const Model& model() const { return model_; }
  // What the positions in an edit count.
  const TextExtent& extent() const { return extent_; }
  void set_extent(const TextExtent& extent) { extent_ = extent; }
  // Goes over to another text, of which nothing is known before prepare(); what was read of the corrupt one stays. With
  // `start` the clean run begins there too.
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

// Thrown when `corrupt` without a position meets texts of different lengths: a face may add both tokenisations.
class LengthMismatch : public Error {
 public:
  using Error::Error;
};

// The edits of one expression for sequence `sequence` of a request, one per hook point that its hook means. Positions
// are those of the sources' text; without a selector an edit acts on every row of the sequence, also on rows after
// that text. Throws Error for a selector without its axis, an index out of range, a vector of the wrong length, `mean`
// where there is a key axis, and a `corrupt` whose text is missing or of another length.
std::vector<HookEdit> resolve_edit(const EditExpression& expression, const EditSources& sources,
                                   std::size_t sequence = 0);

// The same without what the edits write: hook points and positions alone, for a plan. Needs no prepare() and runs
// nothing; all that can be known without a run is checked.
std::vector<HookEdit> place_edit(const EditExpression& expression, const EditSources& sources,
                                 std::size_t sequence = 0);

// The hook points whose values the expressions read from the text's clean run and from the corrupt run.
struct ReadPoints {
  std::vector<HookPoint> mean, corrupt;
};
ReadPoints points_that_are_read(std::span<const EditExpression> expressions, const ModelConfig& config);

// Throws what resolve_edit would of the text's length and the expression's indices, before prepare().
void check_edit_of_text(const EditExpression& expression, const EditSources& sources);

// Throws Error when a text for `corrupt` was given that no edit reads.
void check_corrupt_is_read(std::span<const EditExpression> expressions, bool given);

// Those of the edits whose hook may mean several hook points, and which it means.
std::vector<GlobMatch> globs_of(std::span<const EditExpression> edits, const ModelConfig& config);

// Whether the edit only scales the last block's output by a positive factor, which the final norm cancels.
bool cancelled_by_final_norm(const EditExpression& expression, const ModelConfig& config);

}  // namespace stratoscope
