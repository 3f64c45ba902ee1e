// One prompt of a sweep: its grid and the data that its grid points share.
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
  // Throws Error for an invalid request. Model and request must outlive this object.
  SweepPrompt(const Model& model, const SweepRequest& request, std::shared_ptr<VectorFiles> vectors);

  const SweepRequest& request() const { return request_; }
  std::size_t points() const { return request_.points.empty() ? grid_.points() : request_.points.size(); }
  // The text up to the position that the metric reads; with `whole` also the target without its last token.
  const TokenIds& ids() const { return ids_; }
  // The first position that the metric reads.
  std::size_t first_asked() const { return request_.whole ? request_.text.size() - 1 : ids_.size() - 1; }

  // The edits of a grid point with their positions. The other runs that they read are made at the first call and freed
  // by release().
  std::vector<HookEdit> edits_at(std::size_t point);
  void release() { sources_.reset(); }
  // The edits without operands, for a plan: nothing runs.
  std::vector<HookEdit> places_at(std::size_t point) const;

  const ConeCost& clean_cost() const { return clean_cost_; }
  // The cost of the other runs that the edits read: multiplications and additions, and peak memory.
  double source_operations() const;
  std::size_t source_bytes() const;

 private:
  // Sets all positions for edits without positions, and leaves out those that are not run.
  std::vector<HookEdit> with_positions(std::vector<HookEdit> edits) const;

  const SweepRequest& request_;
  SweepGrid grid_;
  const Model& model_;
  std::shared_ptr<VectorFiles> vectors_;
  TokenIds ids_;
  EditSources lengths_;                  // of the same texts, without values
  std::vector<EditExpression> reading_;  // the edits that read other runs
  std::vector<ReadPoint> read_;          // and the hook points that they read
  std::optional<EditSources> sources_;
  ConeCost clean_cost_;
};

}  // namespace stratoscope
