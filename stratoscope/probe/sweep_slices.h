// The grid points of a sweep in slices: which of them go together, and what that costs.
//
// The points of a slice share matrix products, and their results come together. A slice ends where its memory reaches
// the limit, or where its work would take much longer than a second; the next one then makes the clean run of the
// prompt again, unless it is kept.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "stratoscope/model/cone/cone_runs.h"
#include "stratoscope/probe/sweep_job.h"

namespace stratoscope {

// Consecutive grid points that share products.
struct Slice {
  std::vector<GridPoint> points;
  std::vector<std::size_t> prompts;  // that the points are of; one whose points are all known comes for its clean run
  ConeRequest request;               // texts are the prompts, grid points the points
  ConeCost cost;
  // Memory that the cost does not count: readers, values of other runs, edits, kept clean runs.
  std::size_t bytes_beside = 0;
  bool keeps_clean = false;  // of its only prompt, for the next slice or from the one before
  // Of the runs whose values this slice's edits are the first to read.
  double source_operations = 0;
};

enum class SliceUse {
  plan,  // edits do not say what they write, and nothing runs
  run,
};

class SweepSlices {
 public:
  // The job must outlive this object.
  SweepSlices(const SweepJob& job, SliceUse use);

  // Calls work(slice) for each slice, in the order of the points, and take_known for each point that is known.
  void for_each(const std::function<void(Slice&)>& work,
                const std::function<void(GridPoint, const GridValue&)>& take_known);

  // The work of the slice that was run last: later ones are made to take about as long as a user waits for a stop.
  void measured(double operations, double seconds);

  // Rows of one matrix product at most.
  std::size_t rows_at_once() const { return rows_at_once_; }
  // Memory of a slice at most, with the results of the sweep.
  std::size_t bytes(const Slice& slice) const { return bytes(slice.cost, slice.bytes_beside); }

 private:
  void add_point(GridPoint point, bool is_first_of_prompt);
  void add_prompt(std::size_t p);
  bool is_full(const SweepPrompt& prompt, bool is_new, const ConeCost& point, std::size_t point_bytes) const;
  double most_operations(const SweepPrompt& prompt, bool is_new) const;
  void end_slice(std::size_t next_prompt);
  void keep_clean_for(std::size_t next_prompt);
  void check_limit() const;

  std::size_t bytes(const ConeCost& cost, std::size_t beside) const;
  std::size_t bytes_beside(const SweepPrompt& prompt) const;
  std::size_t kept_bytes(const SweepPrompt& prompt) const;
  bool may_keep(const SweepPrompt& prompt) const;

  const SweepJob& job_;
  SliceUse use_;
  std::size_t limit_, rows_at_once_;
  double operations_per_slice_ = 5e10;
  Slice slice_;                      // that is being filled
  std::optional<std::size_t> kept_;  // the prompt whose clean run the next slice finds
  std::function<void(Slice&)> work_;
};

}  // namespace stratoscope
