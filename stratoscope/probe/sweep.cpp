#include "stratoscope/probe/sweep.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "stratoscope/base/threads.h"
#include "stratoscope/probe/metric_reader.h"
#include "stratoscope/probe/sweep_results.h"
#include "stratoscope/probe/sweep_slices.h"
#include "stratoscope/probe/sweep_whole_runs.h"
#include "stratoscope/tensor/aligned_memory.h"

namespace stratoscope {
namespace {

// The progress within a slice: a share of its points for each finished block.
class SliceProgress : public Progress {
 public:
  SliceProgress(const SweepResults& results, const Progress* outer, std::size_t points)
      : results_(results), outer_(outer), points_(points) {}
  void update(const char*, std::size_t done, std::size_t total) override {
    results_.report(points_ * done / (total + 1));
  }
  bool cancelled() const override { return outer_ != nullptr && outer_->cancelled(); }

 private:
  const SweepResults& results_;
  const Progress* outer_;
  std::size_t points_;
};

// Runs the slices of a sweep.
class SliceRuns {
 public:
  SliceRuns(const SweepJob& job, SweepResults& results) : job_(job), results_(results), slices_(job, SliceUse::run) {}

  SweepOperations run() {
    slices_.for_each([&](Slice& slice) { run_slice(slice); },
                     [&](GridPoint point, const GridValue& known) { results_.take_known(point, known); });
    return operations_;
  }

 private:
  void run_slice(Slice& slice) {
    choose_clean_runs(slice);
    results_.take(slice.points, run_points(slice));
    results_.report();
    operations_.done += slice.source_operations;
    operations_.required += slice.cost.operations + slice.source_operations;
    operations_.whole += slice.cost.full_operations + slice.source_operations;
  }

  // The clean runs of the previous slice, if it kept them.
  void choose_clean_runs(const Slice& slice) {
    if (!slice.keeps_clean)
      clean_.reset();
    else if (!clean_ || clean_of_ != slice.prompts[0])
      clean_ = make_clean_runs();
    clean_of_ = slice.prompts[0];
  }

  std::vector<GridValue> run_points(Slice& slice) {
    ConeRequest& request = slice.request;
    SliceProgress blocks(results_, job_.progress, slice.points.size());
    request.progress = &blocks;
    request.rows_at_once = slices_.rows_at_once();
    request.clean = clean_;
    std::vector<std::unique_ptr<MetricReader<float>>> readers(slice.prompts.size());
    request.take_clean = [&](std::size_t text, MatrixView<const float> logits) {
      const SweepRequest& of = job_.prompts[slice.prompts[text]]->request();
      readers[text] = std::make_unique<MetricReader<float>>(of, logits);
      results_.take_clean(slice.prompts[text], readers[text]->clean());
    };
    std::vector<GridValue> read(slice.points.size());
    request.take = [&](std::size_t point, MatrixView<const float> logits) {
      read[point] = readers[request.runs[point].text]->read(logits);
    };
    const auto start = std::chrono::steady_clock::now();
    const double operations = run_cones(job_.model, request);
    slices_.measured(operations, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    operations_.done += operations;
    return read;
  }

  const SweepJob& job_;
  SweepResults& results_;
  SweepSlices slices_;
  std::shared_ptr<CleanRuns> clean_;  // of the first prompt of the last slice, if kept
  std::size_t clean_of_ = 0;
  SweepOperations operations_;
};

}  // namespace

std::size_t memory_limit_of(std::size_t asked) {
  if (asked > 0) return asked;
  const auto pages = static_cast<std::size_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 4;
}

std::vector<EditExpression> edits_of_point(const SweepRequest& request, std::size_t point) {
  return SweepGrid(request.edits, request.axes).edits_at(point);
}

SweepResult sweep(const Model& model, const SweepRequest& request, const SweepOptions& options) {
  return std::move(sweep_all(model, {&request, 1}, options)[0]);
}

std::vector<SweepResult> sweep_all(const Model& model, std::span<const SweepRequest> requests,
                                   const SweepOptions& options, SweepOperations* operations) {
  const ThreadScope threads(model.threads());
  const PlannedMemory memory;
  const SweepJob job(model, requests, options);
  SweepResults results(job);
  SweepOperations counted;
  if (model.precision() == Precision::fp64 || options.full_runs)
    run_whole(job, results);
  else
    counted = SliceRuns(job, results).run();
  if (operations != nullptr) *operations = counted;
  return results.finish();
}

SweepPlan plan_sweep(const Model& model, std::span<const SweepRequest> requests, const SweepOptions& options) {
  const SweepJob job(model, requests, options);
  SweepSlices slices(job, SliceUse::plan);
  SweepPlan plan;
  plan.points = job.points;
  plan.known = job.known;
  plan.slices = 0;
  std::size_t counted = 0;  // prompts whose other runs are included in the plan
  slices.for_each(
      [&](const Slice& slice) {
        double sources = 0;
        for (const std::size_t p : slice.prompts)
          if (p >= counted) sources += job.prompts[p]->source_operations();
        counted = slice.prompts.back() + 1;
        plan.operations += slice.cost.operations + sources;
        plan.full_operations += slice.cost.full_operations + sources;
        plan.bytes = std::max(plan.bytes, slices.bytes(slice));
        ++plan.slices;
      },
      [](GridPoint, const GridValue&) {});
  if (model.precision() == Precision::fp64 || options.full_runs) plan.operations = plan.full_operations;
  return plan;
}

}  // namespace stratoscope
