// The values that edits of one text read from other runs.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/model/model.h"
#include "stratoscope/probe/edit_grammar.h"

namespace stratoscope {
class VectorFiles;  // internal
}

namespace STRATOSCOPE_API stratoscope {

class Tokenizer;

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

// A hook point whose value an edit reads, and the run and form in which it is read.
using ReadPoint = std::pair<EditSource, HookPoint>;

// `mean`, `median` and `clean` are from the text's own clean run, `corrupt` from the clean run of the other text.
// prepare() makes each run once for all hook points.
class EditSources {
 public:
  // `corrupt` may be empty. Model and tokenizer must outlive this object; without a tokenizer, selectors by text are
  // errors. Each vector file is read once, also when several objects share `vectors`.
  EditSources(const Model& model, TokenIds text, TokenIds corrupt, std::shared_ptr<VectorFiles> vectors = {},
              const Tokenizer* tokenizer = nullptr);

  // Runs the model for all hook points that the expressions read.
  void prepare(std::span<const EditExpression> expressions, Progress* progress = nullptr);

  // After prepare(). Means and medians are over the positions: [heads or 1, last axis], row-major. The others have the
  // axes of the hook point.
  std::shared_ptr<const PointValues> values(ReadPoint read) const { return values_.at(read); }
  VectorFiles& vectors() const { return *vectors_; }

  const Model& model() const { return model_; }
  const Tokenizer* tokenizer() const { return tokenizer_; }
  const TokenIds& text() const { return text_; }
  // The extent that positions in an edit refer to.
  const TextExtent& extent() const { return extent_; }
  void set_extent(const TextExtent& extent) { extent_ = extent; }
  // Changes to another text, which needs prepare() again; the values of the corrupt text stay. With `start` the clean
  // run begins there.
  void set_text(TokenIds text, std::shared_ptr<const Start> start = {});
  std::size_t text_positions() const { return text_.size(); }
  std::size_t corrupt_positions() const { return corrupt_ids_.size(); }
  // Of the run that `clean` or `corrupt` reads.
  std::size_t positions_of(EditSource source) const {
    return source == EditSource::corrupt ? corrupt_positions() : text_positions();
  }

 private:
  void run(const TokenIds& ids, const std::shared_ptr<const Start>& start, std::vector<ReadPoint> reads,
           Progress* progress);

  const Model& model_;
  const Tokenizer* tokenizer_;
  TokenIds text_, corrupt_ids_;
  std::shared_ptr<const Start> start_;
  TextExtent extent_;
  std::map<ReadPoint, std::shared_ptr<const PointValues>> values_;
  std::shared_ptr<VectorFiles> vectors_;
};

// What the expressions read from other runs, each once.
std::vector<ReadPoint> points_that_are_read(std::span<const EditExpression> expressions, const ModelConfig& config);

}  // namespace stratoscope
