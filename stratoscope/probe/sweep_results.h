// Collects the results of a sweep, passes them to the caller, and counts them for the progress.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <vector>

#include "stratoscope/probe/sweep_job.h"

namespace stratoscope {

class SweepResults {
 public:
  // The job must outlive this object.
  explicit SweepResults(const SweepJob& job);

  // A prompt may have several clean runs, with the same bits; only the first is passed to the caller.
  void take_clean(std::size_t prompt, const GridValue& clean);
  void take(std::span<const GridPoint> points, std::span<const GridValue> results);
  // A result that the caller had before the sweep: not passed on, not counted.
  void take_known(GridPoint point, const GridValue& result);

  // Reports the progress: the results taken, and `in_work` more points.
  void report(std::size_t in_work = 0) const;

  // Call it when every point is taken. Adds the largest effect of each prompt, and the place of the first number that
  // is not finite, for the first grid point with such a result.
  std::vector<SweepResult> finish();

 private:
  void find_nonfinite();

  const SweepJob& job_;
  std::vector<SweepResult> results_;
  std::set<std::size_t> reported_;  // prompts whose clean result was passed to the caller
  std::size_t done_ = 0;            // grid points
};

}  // namespace stratoscope
