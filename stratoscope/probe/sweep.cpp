#include "stratoscope/probe/sweep.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <set>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/probe/metric_reader.h"
#include "stratoscope/probe/sweep_prompt.h"
#include "stratoscope/probe/vector_files.h"

namespace stratoscope {
namespace {

struct GridPoint {
  std::size_t prompt, cell;
};

// Consecutive grid points that share products, and whose results come together.
struct Slice {
  std::vector<GridPoint> points;
  std::vector<std::size_t> prompts;  // that the points are of; one whose points are all known comes for its clean run
  CellsRequest request;              // texts are the prompts, cells the points
  CellsCost cost;
  std::size_t bytes_beside =
      0;                     // of what the cost does not know: readers, values of other runs, edits, kept clean runs
  bool keeps_clean = false;  // of its only prompt, for the next slice or from the one before
};

// Memory of a grid point's edits, about: their chosen indices, each position twice.
std::size_t bytes_of(const std::vector<HookEdit>& edits) {
  constexpr std::size_t kOfAnEdit = 512;
  std::size_t bytes = 0;
  for (const HookEdit& edit : edits) bytes += kOfAnEdit + 2 * sizeof(std::size_t) * edit.positions->size();
  return bytes;
}

class SweepRun {
 public:
  SweepRun(const Model& model, std::span<const SweepRequest> requests, const SweepOptions& options)
      : model_(model),
        options_(options),
        progress_(requests.empty() ? nullptr : requests[0].progress),
        limit_(memory_limit_of(options.memory_limit)) {
    const auto vectors = std::make_shared<VectorFiles>();
    for (const SweepRequest& request : requests) {
      prompts_.push_back(std::make_unique<SweepPrompt>(model, request, vectors));
      for (std::size_t cell = 0; options.known && cell < prompts_.back()->cells(); ++cell)
        known_ += options.known(prompts_.size() - 1, cell).has_value();
      total_ += prompts_.back()->cells();
    }
    // A product's rows may have a quarter of the memory.
    const ModelConfig& config = model.config();
    const std::size_t row_bytes = (11 * config.d_model + 3 * config.d_mlp()) * sizeof(float);
    rows_at_once_ = std::clamp<std::size_t>(limit_ / 4 / row_bytes, 48, kMostRowsAtOnce);
  }

  std::vector<SweepResult> run() {
    for (const auto& prompt : prompts_) {
      results_.emplace_back();
      results_.back().values.resize(prompt->cells());
      results_.back().effects.resize(prompt->cells());
    }
    readers_.resize(prompts_.size());
    if (model_.precision() == Precision::fp64)
      run_whole<double>([&](const auto& pass) { return model_.run_reference(pass); });
    else if (options_.full_runs)
      run_whole<float>([&](const auto& pass) { return model_.run(pass); });
    else
      for_slices(false, [&](Slice& slice) { run_slice(slice); });
    for (SweepResult& result : results_)
      for (const Effect& effect : result.effects) result.effect.include(effect);
    find_nonfinite();
    report(total_ - known_);
    return std::move(results_);
  }

  const SweepOperations& operations() const { return operations_; }

  SweepPlan plan() {
    SweepPlan plan;
    plan.cells = total_;
    plan.known = known_;
    plan.slices = 0;
    std::size_t behind = 0;  // prompts whose other runs are counted
    for_slices(true, [&](const Slice& slice) {
      double sources = 0;
      for (const std::size_t p : slice.prompts)
        if (p >= behind) sources += prompts_[p]->source_operations();
      behind = slice.prompts.back() + 1;
      plan.operations += slice.cost.operations + sources;
      plan.full_operations += slice.cost.full_operations + sources;
      plan.bytes = std::max(plan.bytes, bytes(slice.cost, slice.bytes_beside));
      ++plan.slices;
    });
    if (model_.precision() == Precision::fp64 || options_.full_runs) plan.operations = plan.full_operations;
    return plan;
  }

 private:
  void report(std::size_t done) const {
    if (progress_ != nullptr) progress_->update("sweep", done, total_ - known_);
  }

  // Of a slice, with the results.
  std::size_t bytes(const CellsCost& cost, std::size_t beside) const {
    return cost.bytes(model_.config(), rows_at_once_, model_.threads()) + beside +
           total_ * (sizeof(double) + sizeof(Effect));
  }

  // What a prompt brings into a slice beside its rows.
  std::size_t bytes_beside(const SweepPrompt& prompt) const {
    return prompt.source_bytes() +
           (prompt.ids().size() - prompt.first_asked()) * MetricReader<float>::row_bytes(model_.config().d_vocab);
  }

  void add_prompt(std::size_t p, Slice& slice) const {
    const SweepPrompt& prompt = *prompts_[p];
    slice.prompts.push_back(p);
    slice.request.texts.push_back(prompt.ids());
    slice.request.first_asked.push_back(prompt.first_asked());
    slice.cost += prompt.clean_cost();
    slice.bytes_beside += bytes_beside(prompt);
    if (kept_ != p) return;
    slice.keeps_clean = true;
    slice.bytes_beside += kept_bytes(prompt);
    slice.cost.operations -= prompt.clean_cost().operations;
    slice.cost.full_operations -= prompt.clean_cost().full_operations;
  }

  std::size_t kept_bytes(const SweepPrompt& prompt) const {
    return kept_bytes_of_text(prompt.ids().size(), prompt.first_asked(), model_.config());
  }
  // Whether all blocks of a prompt's clean run may be kept beside the grid points.
  bool may_keep(const SweepPrompt& prompt) const { return kept_bytes(prompt) <= limit_ / 2; }

  // The slice is done with, and a point of the prompt `next` is the first of the next one.
  void keep_clean_for(std::size_t next, Slice& slice) {
    const bool alone = slice.prompts.size() == 1;
    if (alone && !slice.keeps_clean && next == slice.prompts[0]) {
      const SweepPrompt& prompt = *prompts_[slice.prompts[0]];
      const std::size_t beside = slice.bytes_beside + kept_bytes(prompt);
      if (may_keep(prompt) && bytes(slice.cost, beside) <= limit_) {
        slice.keeps_clean = true;
        slice.bytes_beside = beside;
        kept_ = slice.prompts[0];
      }
    }
    if (kept_ && kept_ != next) kept_.reset();
  }

  void check_limit(const Slice& slice) const {
    const auto kibi = [](std::size_t count) { return std::to_string((count + 1023) >> 10) + " KiB"; };
    const std::size_t needed = bytes(slice.cost, slice.bytes_beside);
    if (needed > limit_)
      throw Error("sweep", "one grid point needs " + kibi(needed) + ", more than the memory limit of " + kibi(limit_),
                  "raise --memory-limit");
  }

  // Whether a slice has no room, or no time, for a point (or a clean run alone) of this prompt.
  bool is_full(const Slice& slice, const SweepPrompt& prompt, bool is_new, const CellsCost& point,
               std::size_t point_bytes) const {
    if (slice.prompts.empty()) return false;
    CellsCost cost = slice.cost;
    cost += point;
    if (slice.keeps_clean && is_new) return true;  // what is kept is of one prompt
    if (options_.cells_per_slice > 0 && (is_new || slice.points.size() >= options_.cells_per_slice)) return true;
    const CellsCost& clean = prompt.clean_cost();
    if (is_new) cost += clean;
    if (bytes(cost, slice.bytes_beside + point_bytes + (is_new ? bytes_beside(prompt) : 0)) > limit_) return true;
    // A prompt that goes on in the next slice has its clean run again there, where it cannot be kept.
    constexpr double kCleanRuns = 10;
    const double most = options_.operations_per_slice > 0 ? options_.operations_per_slice
                        : is_new || may_keep(prompt)      ? operations_per_slice_
                                                     : std::max(operations_per_slice_, kCleanRuns * clean.operations);
    // What each point costs beside its products.
    constexpr double kOfAPoint = 1e6;
    return cost.operations + kOfAPoint * static_cast<double>(cost.cells) > most;
  }

  // Calls work(slice) for each slice. For a plan, edits do not say what they write, and nothing runs.
  template <class Work>
  void for_slices(bool plan, const Work& work) {
    Slice slice;
    const auto flush = [&](std::size_t next) {
      if (!slice.prompts.empty()) {
        keep_clean_for(next, slice);
        work(slice);
      }
      for (const std::size_t p : slice.prompts)
        if (p != next) prompts_[p]->release();
      slice = {};
    };
    for (std::size_t p = 0; p < prompts_.size(); ++p) {
      SweepPrompt& prompt = *prompts_[p];
      bool met = false;
      for (std::size_t cell = 0; cell < prompt.cells(); ++cell) {
        if (progress_ != nullptr) progress_->throw_if_cancelled();
        if (const auto known = options_.known ? options_.known(p, cell) : std::nullopt) {
          keep(p, cell, *known);
          continue;
        }
        bool is_new = slice.prompts.empty() || slice.prompts.back() != p;
        // Other runs whose values a new prompt reads wait until it is clear where the prompt goes.
        Cell of{0, plan || !met ? prompt.places_at(cell) : prompt.edits_at(cell)};
        const CellsCost cost = cost_of_cell(of, prompt.ids().size(), prompt.first_asked(), model_.config());
        const std::size_t edit_bytes = bytes_of(of.edits);
        if (is_full(slice, prompt, is_new, cost, edit_bytes)) {
          flush(p);
          is_new = true;
        }
        if (is_new) add_prompt(p, slice);
        slice.cost += cost;
        slice.bytes_beside += edit_bytes;
        check_limit(slice);
        if (!plan && !met) {
          of.edits = prompt.edits_at(cell);
          add_source_operations(prompt.source_operations());
        }
        of.text = slice.prompts.size() - 1;
        slice.request.cells.push_back(std::move(of));
        slice.points.push_back({p, cell});
        met = true;
      }
      if (met) continue;
      if (is_full(slice, prompt, true, {}, 0)) flush(p);
      add_prompt(p, slice);
      check_limit(slice);
    }
    flush(prompts_.size());
  }

  void keep(std::size_t prompt, std::size_t cell, const SweepCell& result) {
    if (results_.empty()) return;  // while planning
    results_[prompt].values[cell] = result.value;
    results_[prompt].effects[cell] = result.effect;
  }

  void add_source_operations(double count) {
    operations_.done += count;
    operations_.required += count;
    operations_.whole += count;
  }

  void run_slice(Slice& slice) {
    CellsRequest& request = slice.request;
    StepProgress blocks(*this, slice.points.size());
    request.progress = &blocks;
    request.rows_at_once = rows_at_once_;
    if (!slice.keeps_clean)
      clean_.reset();
    else if (!clean_ || clean_of_ != slice.prompts[0])
      clean_ = make_clean_runs();
    clean_of_ = slice.prompts[0];
    request.clean = clean_;
    request.take_clean = [&](std::size_t text, MatrixView<const float> logits) {
      const std::size_t p = slice.prompts[text];
      const SweepRequest& of = prompts_[p]->request();
      readers_[p] = std::make_unique<MetricReader<float>>(of.metric, of.targets, of.whole, logits);
      results_[p].clean = readers_[p]->clean();
      tell_clean(p);
    };
    std::vector<SweepCell> read(slice.points.size());
    request.take = [&](std::size_t cell, MatrixView<const float> logits) {
      std::tie(read[cell].value, read[cell].effect) = readers_[slice.points[cell].prompt]->read(logits);
    };
    const auto start = std::chrono::steady_clock::now();
    const double operations = model_.run_cells(request);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    operations_per_slice_ = std::clamp(operations * kSecondsPerSlice / seconds, kFewestOperations, kMostOperations);
    operations_.done += operations;
    operations_.required += slice.cost.operations;
    operations_.whole += slice.cost.full_operations;
    for (const std::size_t p : slice.prompts) readers_[p].reset();
    for (std::size_t i = 0; i < slice.points.size(); ++i) {
      keep(slice.points[i].prompt, slice.points[i].cell, read[i]);
      ++done_;
      if (options_.take) options_.take(slice.points[i].prompt, slice.points[i].cell, read[i]);
    }
    report(done_);
  }

  void tell_clean(std::size_t prompt) {
    if (options_.take_clean && told_.insert(prompt).second) options_.take_clean(prompt, results_[prompt].clean);
  }

  // Where the first grid point went wrong whose result is not finite.
  void find_nonfinite() {
    for (std::size_t p = 0; p < prompts_.size(); ++p)
      for (std::size_t cell = 0; cell < results_[p].effects.size(); ++cell) {
        const Effect& effect = results_[p].effects[cell];
        if (std::isfinite(effect.kl) && std::isfinite(effect.max_change)) continue;
        QuietProgress quiet(progress_);
        RunRequest pass;
        pass.sequences = {prompts_[p]->ids()};
        pass.edits = prompts_[p]->edits_at(cell);
        for (HookEdit& edit : pass.edits) edit.sequence = 0;
        pass.progress = &quiet;
        auto place = first_nonfinite(model_, pass);
        prompts_[p]->release();
        if (place) place->sequence = p;
        results_[p].effects[cell].nonfinite = results_[p].effect.nonfinite = place;
        return;
      }
  }

  // Grid points as sequences of one batch, up to this many rows of activations or of logits.
  template <class T, class RunModel>
  void run_whole(const RunModel& run_model) {
    constexpr std::size_t kLogitRowsPerPass = 128;
    for (std::size_t p = 0; p < prompts_.size(); ++p) {
      SweepPrompt& prompt = *prompts_[p];
      const SweepRequest& of = prompt.request();
      QuietProgress quiet(progress_);
      RunRequest pass;
      pass.hidden_states = false;
      pass.logits = of.whole ? LogitRows::all : LogitRows::last;
      pass.progress = &quiet;
      pass.sequences = {prompt.ids()};
      const auto asked = [&](const Run<T>& run, std::size_t sequence) {
        const std::size_t rows = run.logits.shape()[0] / run.sequences(), skip = of.whole ? prompt.first_asked() : 0;
        return run.logits.matrix().rows_from(sequence * rows + skip, rows - skip);
      };
      const MetricReader<T> reader(of.metric, of.targets, of.whole, asked(run_model(pass), 0));
      results_[p].clean = reader.clean();
      tell_clean(p);
      const std::size_t rows_per_pass = of.whole ? kLogitRowsPerPass : kRowsPerPass;
      const std::size_t cells_per_pass =
          std::clamp<std::size_t>(rows_per_pass / prompt.ids().size(), 1, of.whole ? kRowsPerPass : kLogitRowsPerPass);
      std::vector<std::size_t> cells;
      for (std::size_t cell = 0; cell < prompt.cells(); ++cell) {
        const auto known = options_.known ? options_.known(p, cell) : std::nullopt;
        if (known)
          keep(p, cell, *known);
        else
          cells.push_back(cell);
      }
      for (std::size_t first = 0; first < cells.size(); first += cells_per_pass) {
        report(done_);
        const std::size_t count = std::min(cells_per_pass, cells.size() - first);
        pass.sequences.assign(count, prompt.ids());
        pass.edits.clear();
        for (std::size_t i = 0; i < count; ++i)
          for (HookEdit& edit : prompt.edits_at(cells[first + i])) {
            edit.sequence = i;
            pass.edits.push_back(std::move(edit));
          }
        const Run<T> run = run_model(pass);
        std::vector<SweepCell> read(count);
        parallel_for(count,
                     [&](std::size_t i) { std::tie(read[i].value, read[i].effect) = reader.read(asked(run, i)); });
        for (std::size_t i = 0; i < count; ++i) {
          keep(p, cells[first + i], read[i]);
          ++done_;
          if (options_.take) options_.take(p, cells[first + i], read[i]);
        }
      }
      prompt.release();
    }
  }

  // Within a slice: a share of its points for each block that is behind us.
  class StepProgress : public Progress {
   public:
    StepProgress(const SweepRun& run, std::size_t points) : run_(run), points_(points) {}
    void update(const char*, std::size_t done, std::size_t total) override {
      run_.report(run_.done_ + points_ * done / (total + 1));
    }
    bool cancelled() const override { return run_.progress_ != nullptr && run_.progress_->cancelled(); }

   private:
    const SweepRun& run_;
    std::size_t points_;
  };

  // Of a slice: what is lost by a stop, and what a first one may take where the rate is not known yet.
  static constexpr double kSecondsPerSlice = 1.2, kFewestOperations = 5e9, kMostOperations = 5e12;

  const Model& model_;
  const SweepOptions& options_;
  Progress* progress_;
  std::size_t limit_, rows_at_once_ = 0;
  double operations_per_slice_ = 5e10;
  std::vector<std::unique_ptr<SweepPrompt>> prompts_;
  std::vector<std::unique_ptr<MetricReader<float>>> readers_;  // of the prompts in the slice
  std::optional<std::size_t> kept_;                            // the prompt whose clean run the next slice finds
  std::shared_ptr<CleanRuns> clean_;                           // and the last slice's, of its first prompt
  std::size_t clean_of_ = 0;
  std::set<std::size_t> told_;  // prompts whose clean run is known outside
  std::vector<SweepResult> results_;
  std::size_t total_ = 0, known_ = 0, done_ = 0;  // grid points; done in this run
  SweepOperations operations_;
};

}  // namespace

std::size_t memory_limit_of(std::size_t asked) {
  if (asked > 0) return asked;
  const auto pages = static_cast<std::size_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 4;
}

std::vector<EditExpression> edits_of_cell(const SweepRequest& request, std::size_t cell) {
  return SweepGrid(request.edits, request.axes).edits_at(cell);
}

SweepResult sweep(const Model& model, const SweepRequest& request, const SweepOptions& options) {
  return std::move(sweep_all(model, {&request, 1}, options)[0]);
}

std::vector<SweepResult> sweep_all(const Model& model, std::span<const SweepRequest> requests,
                                   const SweepOptions& options, SweepOperations* operations) {
  const ThreadScope threads(model.threads());
  SweepRun run(model, requests, options);
  auto results = run.run();
  if (operations != nullptr) *operations = run.operations();
  return results;
}

SweepPlan plan_sweep(const Model& model, std::span<const SweepRequest> requests, const SweepOptions& options) {
  return SweepRun(model, requests, options).plan();
}

}  // namespace stratoscope
