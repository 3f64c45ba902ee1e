// One prompt of a sweep: its grid, and what the grid points share.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "stratoscope/model/cone/cone_runs.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/probe/sweep.h"

namespace stratoscope {

class SweepPrompt {
 public:
  // Throws Error for what sweep() refuses. Model and request must outlive this object.
  SweepPrompt(const Model& model, const SweepRequest& request, std::shared_ptr<VectorFiles> vectors);

  const SweepRequest& request() const { return request_; }
  std::size_t points() const { return request_.points.empty() ? grid_.points() : request_.points.size(); }
  // The text, and with `whole` all of the target but its last token.
  const TokenIds& ids() const { return ids_; }
  // The metric is read from this position on.
  std::size_t first_asked() const { return request_.text.size() - 1; }

  // The edits of a grid point, each with the positions that it changes. What they read from other runs is run when it
  // is first needed, and given up by release().
  std::vector<HookEdit> edits_at(std::size_t point);
  void release() { sources_.reset(); }
  // The same without what the edits write, for a plan: nothing runs.
  std::vector<HookEdit> places_at(std::size_t point) const;

  const ConeCost& clean_cost() const { return clean_cost_; }
  // What the runs cost whose values the edits read: multiplications and additions, and memory at most.
  double source_operations() const;
  std::size_t source_bytes() const;

 private:
  // Edits without positions act on all.
  std::vector<HookEdit> with_positions(std::vector<HookEdit> edits) const;

  const SweepRequest& request_;
  SweepGrid grid_;
  const Model& model_;
  std::shared_ptr<VectorFiles> vectors_;
  TokenIds ids_;
  EditSources lengths_;                  // of the same texts, without any value
  std::vector<EditExpression> reading_;  // the edits that read other runs
  ReadPoints read_;                      // and what they read there
  std::optional<EditSources> sources_;
  ConeCost clean_cost_;
};

}  // namespace stratoscope
