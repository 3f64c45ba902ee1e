// The results of a sweep as they come: kept, told to the caller, and counted for its progress.
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

  // A prompt may have several clean runs, with the same bits; the caller is told of the first.
  void take_clean(std::size_t prompt, double value);
  void take(std::span<const GridPoint> points, std::span<const GridValue> results);
  // A result that the caller had before the sweep: not told, and no progress.
  void take_known(GridPoint point, const GridValue& result);

  // Tells the progress that so many points are done, besides those that were taken.
  void report(std::size_t in_work = 0) const;

  // When every point is taken: adds the largest effect of each prompt, and where the first grid point went wrong whose
  // result is not finite.
  std::vector<SweepResult> finish();

 private:
  void find_nonfinite();

  const SweepJob& job_;
  std::vector<SweepResult> results_;
  std::set<std::size_t> told_;  // prompts whose clean result the caller has
  std::size_t done_ = 0;        // grid points
};

}  // namespace stratoscope
