// Divides the grid points of a sweep into slices. The points of a slice share matrix products. A slice ends at the
// memory limit or after about a second's work; the next slice makes the clean run of its prompt again, unless that is
// kept.
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
  std::vector<std::size_t> prompts;  // of the points; a prompt with only known points is there for its clean run
  ConeRequest request;               // its texts are the prompts, its grid points the points
  ConeCost cost;
  // Memory that the cost does not include: readers, values of other runs, edits, kept clean runs.
  std::size_t other_bytes = 0;
  // The clean run of its only prompt is kept for the next slice, or was kept by the previous one.
  bool keeps_clean = false;
  // operations of the other runs that the edits of this slice are the first to read
  double source_operations = 0;
};

enum class SliceUse {
  plan,  // edits without operands; nothing runs
  run,
};

class SweepSlices {
 public:
  // The job must outlive this object.
  SweepSlices(const SweepJob& job, SliceUse use);

  // Calls work(slice) for each slice, in the order of the points, and take_known for each point that is known.
  void for_each(const std::function<void(Slice&)>& work,
                const std::function<void(GridPoint, const GridValue&)>& take_known);

  // The work of the last slice, so that later slices take about a second.
  void measured(double operations, double seconds);

  // The limit of rows in one matrix product.
  std::size_t rows_at_once() const { return rows_at_once_; }
  // Peak memory of a slice, including the results of the sweep.
  std::size_t bytes(const Slice& slice) const { return bytes(slice.cost, slice.other_bytes); }

 private:
  void add_point(GridPoint point, bool is_first_of_prompt);
  void add_prompt(std::size_t p);
  bool is_full(const SweepPrompt& prompt, bool is_new, const ConeCost& point, std::size_t point_bytes) const;
  double most_operations(const SweepPrompt& prompt, bool is_new) const;
  void end_slice(std::size_t next_prompt);
  void keep_clean_for(std::size_t next_prompt);
  void check_limit() const;

  std::size_t bytes(const ConeCost& cost, std::size_t other) const;
  std::size_t other_bytes(const SweepPrompt& prompt) const;
  std::size_t kept_bytes(const SweepPrompt& prompt) const;
  bool may_keep(const SweepPrompt& prompt) const;

  const SweepJob& job_;
  SliceUse use_;
  std::size_t limit_, rows_at_once_;
  double operations_per_slice_ = 5e10;
  Slice slice_;                      // the current slice
  std::optional<std::size_t> kept_;  // the prompt whose clean run is kept for the next slice
  std::function<void(Slice&)> work_;
};

}  // namespace stratoscope
