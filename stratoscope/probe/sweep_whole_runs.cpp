#include "stratoscope/probe/sweep_whole_runs.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "stratoscope/base/threads.h"
#include "stratoscope/model/cone/cone_runs.h"
#include "stratoscope/probe/metric_reader.h"

namespace stratoscope {
namespace {

// The whole runs of one prompt. T is float for the engine, double for the reference.
template <class T>
class PromptRuns {
 public:
  PromptRuns(const SweepJob& job, std::size_t p) : job_(job), p_(p), prompt_(*job.prompts[p]), quiet_(job.progress) {}

  void run(SweepResults& results) {
    const MetricReader<T> reader(request(), asked(run_points({}), 0));
    results.take_clean(p_, reader.clean());
    const std::vector<GridPoint> unknown = points_to_run(results);
    for (std::size_t first = 0; first < unknown.size(); first += points_per_pass()) {
      results.report();
      const std::span points = std::span(unknown).subspan(first, std::min(points_per_pass(), unknown.size() - first));
      const Run<T> run = run_points(points);
      std::vector<GridValue> read(points.size());
      parallel_for(points.size(), [&](std::size_t i) { read[i] = reader.read(asked(run, i)); });
      results.take(points, read);
    }
    prompt_.release();
  }

 private:
  const SweepRequest& request() const { return prompt_.request(); }

  std::vector<GridPoint> points_to_run(SweepResults& results) const {
    std::vector<GridPoint> points;
    for (std::size_t point = 0; point < prompt_.points(); ++point) {
      if (const auto known = job_.known_result({p_, point}))
        results.take_known({p_, point}, *known);
      else
        points.push_back({p_, point});
    }
    return points;
  }

  // The limit of rows of activations or logits.
  std::size_t points_per_pass() const {
    constexpr std::size_t kLogitRowsPerPass = 128;
    const std::size_t rows = request().whole ? kLogitRowsPerPass : kRowsPerPass;
    const std::size_t most = request().whole ? kRowsPerPass : kLogitRowsPerPass;
    return std::clamp<std::size_t>(rows / prompt_.ids().size(), 1, most);
  }

  // Grid points as sequences of one batch; if there are none, the clean run.
  Run<T> run_points(std::span<const GridPoint> points) {
    RunRequest pass;
    pass.hidden_states = false;
    pass.logits = request().whole ? LogitRows::all : LogitRows::last;
    pass.progress = &quiet_;
    pass.sequences.assign(std::max<std::size_t>(points.size(), 1), prompt_.ids());
    for (std::size_t i = 0; i < points.size(); ++i)
      for (HookEdit& edit : prompt_.edits_at(points[i].index)) {
        edit.sequence = i;
        pass.edits.push_back(std::move(edit));
      }
    if constexpr (std::is_same_v<T, double>)
      return job_.model.run_reference(pass);
    else
      return job_.model.run(pass);
  }

  // The logits that the metric reads, of one sequence.
  MatrixView<const T> asked(const Run<T>& run, std::size_t sequence) const {
    const std::size_t rows = run.logits.shape()[0] / run.sequences();
    const std::size_t skip = request().whole ? prompt_.first_asked() : 0;
    return run.logits.matrix().rows_from(sequence * rows + skip, rows - skip);
  }

  const SweepJob& job_;
  std::size_t p_;
  SweepPrompt& prompt_;
  QuietProgress quiet_;
};

template <class T>
void run_prompts(const SweepJob& job, SweepResults& results) {
  for (std::size_t p = 0; p < job.prompts.size(); ++p) PromptRuns<T>(job, p).run(results);
}

}  // namespace

void run_whole(const SweepJob& job, SweepResults& results) {
  if (job.model.precision() == Precision::fp64)
    run_prompts<double>(job, results);
  else
    run_prompts<float>(job, results);
}

}  // namespace stratoscope
