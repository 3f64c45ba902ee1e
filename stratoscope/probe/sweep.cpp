#include "stratoscope/probe/sweep.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/probe/metric_reader.h"

namespace stratoscope {
namespace {

// Grid points that share a slice: so many that reading the weights once for all of them costs little, so few that
// progress is seen and a stop is heeded. Rows of the residual stream, and clean runs beside them.
constexpr std::size_t kRowsPerSlice = 24'576, kFewestCells = 64, kCleanRowsPerSlice = 4096;

void check_request(const SweepRequest& request, const ModelConfig& config) {
  if (!request.cells.empty() && (!request.edits.empty() || !request.axes.empty()))
    throw Error("sweep", "cells of its own and templates are given", "leave out one of them");
  for (const std::int32_t id : request.targets)
    if (id < 0 || static_cast<std::size_t>(id) >= config.d_vocab)
      throw Error("sweep", "the target " + std::to_string(id) + " is not in the model's vocabulary of " +
                               std::to_string(config.d_vocab));
  const std::string metric(name_of(request.metric));
  if (request.whole && (request.metric != Metric::log_prob || request.targets.empty()))
    throw Error("sweep", "a whole target is scored by log_prob alone", "leave out --whole or choose --metric log_prob");
  const std::size_t needed = targets_of(request.metric);
  if (!request.whole && request.targets.size() != needed)
    throw Error("sweep",
                "the metric " + metric + " reads " + std::to_string(needed) + " target" + (needed == 1 ? "" : "s") +
                    ", but " + std::to_string(request.targets.size()) + (request.targets.size() == 1 ? " is" : " are") +
                    " given",
                "name them with --target or --target-id");
  if (request.edits.empty() && request.cells.empty()) throw Error("sweep", "there is no edit", "give one with --edit");
}

// One prompt's grid, and what its points share.
class Prompt {
 public:
  Prompt(const Model& model, const SweepRequest& request)
      : request_(request), grid_(request.edits, request.axes), model_(model), ids_(request.text) {
    if (request.whole) ids_.insert(ids_.end(), request.targets.begin(), request.targets.end() - 1);
    // Before anything runs.
    const EditSources lengths(model, request.text, request.corrupt);
    for (const EditExpression& edit : grid_.edits_that_read_other_runs())
      if (edit.source != EditSource::corrupt || !request.corrupt.empty()) check_edit_of_text(edit, lengths);
  }

  const SweepRequest& request() const { return request_; }
  std::size_t cells() const { return request_.cells.empty() ? grid_.cells() : request_.cells.size(); }
  const TokenIds& ids() const { return ids_; }
  // The metric is read from this position on.
  std::size_t first_asked() const { return request_.text.size() - 1; }

  // What edits read from other runs: made when it is first needed, and given up when the prompt's points are behind.
  void release() { sources_.reset(); }

  // The edits of a grid point, each with the positions that it changes.
  std::vector<SiteEdit> edits_at(std::size_t cell, std::size_t sequence) {
    std::vector<SiteEdit> edits;
    if (!request_.cells.empty()) {
      edits = request_.cells[cell];
      for (SiteEdit& edit : edits) edit.sequence = sequence;
      return edits;
    }
    if (!sources_) {
      sources_.emplace(model_, request_.text, request_.corrupt);
      QuietProgress quiet(request_.progress);
      sources_->prepare(grid_.edits_that_read_other_runs(), &quiet);
    }
    for (const EditExpression& expression : grid_.edits_at(cell))
      for (SiteEdit& edit : resolve_edit(expression, *sources_, sequence)) {
        if (!edit.positions) {
          edit.positions.emplace(ids_.size());
          std::iota(edit.positions->begin(), edit.positions->end(), std::size_t{0});
        }
        edits.push_back(std::move(edit));
      }
    return edits;
  }

 private:
  const SweepRequest& request_;
  SweepGrid grid_;
  const Model& model_;
  std::optional<EditSources> sources_;
  TokenIds ids_;
};

struct GridPoint {
  std::size_t prompt, cell;
};

std::size_t default_memory_limit() {
  const auto pages = static_cast<std::size_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 4;
}

// Cuts the grids into slices of consecutive points.
class Slices {
 public:
  Slices(const ModelConfig& config, const SweepOptions& options)
      : row_bytes_(config.d_model * sizeof(float)),
        clean_row_bytes_((14 * config.d_model + 2 * config.d_mlp) * sizeof(float)),
        limit_(options.memory_limit > 0 ? options.memory_limit : default_memory_limit()),
        most_cells_(options.cells_per_slice) {}

  // Whether a slice that holds these has no room for another point, of a prompt that it has or has not met yet.
  bool is_full(const Prompt& prompt, bool is_new) const {
    if (cells_ == 0 && clean_rows_ == 0) return false;
    if (most_cells_ > 0 && (cells_ >= most_cells_ || is_new)) return true;
    const std::size_t rows = rows_ + prompt.ids().size(), clean = clean_rows_ + (is_new ? prompt.ids().size() : 0);
    return bytes_of(rows, clean) > limit_ || (rows > kRowsPerSlice && cells_ >= kFewestCells) ||
           (is_new && clean > kCleanRowsPerSlice);
  }
  void add(const Prompt& prompt, bool is_new) {
    ++cells_;
    rows_ += prompt.ids().size();
    if (is_new) clean_rows_ += prompt.ids().size();
    if (bytes_of(rows_, clean_rows_) > limit_)
      throw Error("sweep",
                  "one grid point needs " + std::to_string(bytes_of(rows_, clean_rows_) >> 10) +
                      " KiB, more than the memory limit of " + std::to_string(limit_ >> 10) + " KiB",
                  "raise --memory-limit");
    most_bytes_ = std::max(most_bytes_, bytes_of(rows_, clean_rows_));
  }
  // A prompt without points, for its clean run.
  void add_clean(const Prompt& prompt) { clean_rows_ += prompt.ids().size(); }
  void clear() { cells_ = rows_ = clean_rows_ = 0; }
  std::size_t most_bytes() const { return most_bytes_; }
  // Whether all blocks of a prompt's clean run may be kept beside the grid points.
  bool may_keep(const Prompt& prompt, std::size_t blocks) const {
    return prompt.ids().size() * clean_row_bytes_ * blocks <= limit_ / 2;
  }

 private:
  std::size_t bytes_of(std::size_t rows, std::size_t clean) const {
    return rows * row_bytes_ + clean * clean_row_bytes_;
  }
  std::size_t row_bytes_, clean_row_bytes_, limit_, most_cells_;
  std::size_t cells_ = 0, rows_ = 0, clean_rows_ = 0, most_bytes_ = 0;
};

class SweepRun {
 public:
  SweepRun(const Model& model, std::span<const SweepRequest> requests, const SweepOptions& options)
      : model_(model), options_(options), progress_(requests.empty() ? nullptr : requests[0].progress) {
    for (const SweepRequest& request : requests) {
      check_request(request, model.config());
      prompts_.push_back(std::make_unique<Prompt>(model, request));
      total_ += prompts_.back()->cells();
    }
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
      for_slices([&](const std::vector<GridPoint>& slice, const std::vector<std::size_t>& prompts) {
        run_slice(slice, prompts);
      });
    for (SweepResult& result : results_)
      for (const Effect& effect : result.effects) result.effect.include(effect);
    report(total_);
    return std::move(results_);
  }

  double operations() const { return operations_; }

  SweepPlan plan() {
    SweepPlan plan;
    plan.cells = total_;
    plan.slices = 0;
    plan.bytes = for_slices([&](const std::vector<GridPoint>& slice, const std::vector<std::size_t>& prompts) {
      CellsRequest request = request_of(slice, prompts);
      request.take = [](std::size_t, MatrixView<const float>) {};
      const CellsCost cost = model_.cost_of_cells(request);
      plan.operations += cost.operations;
      plan.full_operations += cost.full_operations;
      ++plan.slices;
    });
    return plan;
  }

 private:
  void report(std::size_t done) const {
    if (progress_ != nullptr) progress_->update("sweep", done, total_);
  }

  // Calls work(points, prompts) for each slice: its grid points in order, and the prompts that they are of. A prompt
  // whose points are all known comes without points, for its clean run.
  template <class Work>
  std::size_t for_slices(const Work& work) {
    Slices slices(model_.config(), options_);
    std::vector<GridPoint> points;
    std::vector<std::size_t> prompts;
    const auto flush = [&](std::size_t next) {
      if (!prompts.empty()) work(points, prompts);
      for (const std::size_t p : prompts)
        if (p != next) prompts_[p]->release();
      points.clear();
      prompts.clear();
      slices.clear();
    };
    for (std::size_t p = 0; p < prompts_.size(); ++p) {
      const Prompt& prompt = *prompts_[p];
      bool met = false;
      for (std::size_t cell = 0; cell < prompt.cells(); ++cell) {
        if (options_.known)
          if (const auto known = options_.known(p, cell)) {
            keep(p, cell, *known);
            continue;
          }
        bool is_new = prompts.empty() || prompts.back() != p;
        if (slices.is_full(prompt, is_new)) {
          flush(p);
          is_new = true;
        }
        slices.add(prompt, is_new);
        if (is_new) prompts.push_back(p);
        points.push_back({p, cell});
        met = true;
      }
      if (met) continue;
      if (slices.is_full(prompt, true)) flush(p);
      slices.add_clean(prompt);
      prompts.push_back(p);
    }
    flush(prompts_.size());
    return slices.most_bytes();
  }

  CellsRequest request_of(const std::vector<GridPoint>& slice, const std::vector<std::size_t>& prompts) {
    CellsRequest request;
    for (const std::size_t p : prompts) {
      request.texts.push_back(prompts_[p]->ids());
      request.first_asked.push_back(prompts_[p]->first_asked());
    }
    std::size_t text = 0;
    for (const GridPoint& point : slice) {
      while (prompts[text] != point.prompt) ++text;
      request.cells.push_back({text, prompts_[point.prompt]->edits_at(point.cell, text)});
    }
    return request;
  }

  void keep(std::size_t prompt, std::size_t cell, const SweepCell& result) {
    if (results_.empty()) return;  // while planning
    results_[prompt].values[cell] = result.value;
    results_[prompt].effects[cell] = result.effect;
    ++done_;
  }

  // What is kept of the clean run where the slice, and so the next one too, is of one prompt alone.
  std::shared_ptr<CleanRuns> clean_runs(const std::vector<std::size_t>& prompts) {
    if (options_.cells_per_slice == 0 || prompts.size() > 1 ||
        !Slices(model_.config(), options_).may_keep(*prompts_[prompts[0]], model_.config().n_layers))
      return nullptr;
    if (clean_of_ != prompts[0]) clean_ = make_clean_runs();
    clean_of_ = prompts[0];
    return clean_;
  }

  void run_slice(const std::vector<GridPoint>& slice, const std::vector<std::size_t>& prompts) {
    CellsRequest request = request_of(slice, prompts);
    StepProgress blocks(*this, slice.size());
    request.progress = &blocks;
    request.clean = clean_runs(prompts);
    request.take_clean = [&](std::size_t text, MatrixView<const float> logits) {
      const std::size_t p = prompts[text];
      const SweepRequest& of = prompts_[p]->request();
      const bool is_new = readers_[p] == nullptr;
      readers_[p] = std::make_unique<MetricReader<float>>(of.metric, of.targets, of.whole, logits);
      results_[p].clean = readers_[p]->clean();
      if (is_new && options_.take_clean) options_.take_clean(p, results_[p].clean);
    };
    std::vector<SweepCell> read(slice.size());
    request.take = [&](std::size_t cell, MatrixView<const float> logits) {
      std::tie(read[cell].value, read[cell].effect) = readers_[slice[cell].prompt]->read(logits);
    };
    operations_ += model_.run_cells(request);
    for (std::size_t i = 0; i < slice.size(); ++i) {
      keep(slice[i].prompt, slice[i].cell, read[i]);
      if (options_.take) options_.take(slice[i].prompt, slice[i].cell, read[i]);
    }
    for (const std::size_t p : prompts)
      if (slice.empty() || p != slice.back().prompt) readers_[p].reset();
    report(done_);
  }

  // Grid points as sequences of one batch, up to this many rows of activations or of logits.
  template <class T, class RunModel>
  void run_whole(const RunModel& run_model) {
    constexpr std::size_t kRowsPerPass = 1024, kLogitRowsPerPass = 128;
    for (std::size_t p = 0; p < prompts_.size(); ++p) {
      Prompt& prompt = *prompts_[p];
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
      if (options_.take_clean) options_.take_clean(p, results_[p].clean);
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
          for (SiteEdit& edit : prompt.edits_at(cells[first + i], i)) pass.edits.push_back(std::move(edit));
        const Run<T> run = run_model(pass);
        std::vector<SweepCell> read(count);
        parallel_for(count,
                     [&](std::size_t i) { std::tie(read[i].value, read[i].effect) = reader.read(asked(run, i)); });
        for (std::size_t i = 0; i < count; ++i) {
          keep(p, cells[first + i], read[i]);
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

  const Model& model_;
  const SweepOptions& options_;
  Progress* progress_;
  std::vector<std::unique_ptr<Prompt>> prompts_;
  std::vector<std::unique_ptr<MetricReader<float>>> readers_;  // of the prompts in the slice
  std::shared_ptr<CleanRuns> clean_;
  std::optional<std::size_t> clean_of_;  // the prompt
  std::vector<SweepResult> results_;
  std::size_t total_ = 0, done_ = 0;
  double operations_ = 0;
};

}  // namespace

std::vector<EditExpression> edits_of_cell(const SweepRequest& request, std::size_t cell) {
  return SweepGrid(request.edits, request.axes).edits_at(cell);
}

SweepResult sweep(const Model& model, const SweepRequest& request, const SweepOptions& options) {
  return std::move(sweep_all(model, {&request, 1}, options)[0]);
}

std::vector<SweepResult> sweep_all(const Model& model, std::span<const SweepRequest> requests,
                                   const SweepOptions& options, double* operations) {
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
