#include "stratoscope/probe/sweep_slices.h"

#include <algorithm>
#include <string>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/model/pass/widths.h"
#include "stratoscope/probe/metric_reader.h"

namespace stratoscope {
namespace {

// Approximate memory of a grid point's edits: their indices, each position twice.
std::size_t bytes_of_edits(const std::vector<HookEdit>& edits) {
  constexpr std::size_t kOfAnEdit = 512;
  std::size_t bytes = 0;
  for (const HookEdit& edit : edits) bytes += kOfAnEdit + 2 * sizeof(std::size_t) * edit.positions->size();
  return bytes;
}

}  // namespace

SweepSlices::SweepSlices(const SweepJob& job, SliceUse use)
    : job_(job), use_(use), limit_(memory_limit_of(job.options.memory_limit)) {
  // The rows of a product may use a quarter of the memory.
  const ModelConfig& config = job.model.config();
  const std::size_t row_bytes = (slot_numbers(config) + 2 * config.d_mlp()) * sizeof(float);
  rows_at_once_ = std::clamp<std::size_t>(limit_ / 4 / row_bytes, 48, kMostRowsAtOnce);
}

void SweepSlices::for_each(const std::function<void(Slice&)>& work,
                           const std::function<void(GridPoint, const GridValue&)>& take_known) {
  work_ = work;
  for (std::size_t p = 0; p < job_.prompts.size(); ++p) {
    const SweepPrompt& prompt = *job_.prompts[p];
    bool has_points = false;
    for (std::size_t point = 0; point < prompt.points(); ++point) {
      if (job_.progress != nullptr) job_.progress->throw_if_cancelled();
      if (const auto known = job_.known_result({p, point})) {
        take_known({p, point}, *known);
        continue;
      }
      add_point({p, point}, !has_points);
      has_points = true;
    }
    if (has_points) continue;
    if (is_full(prompt, true, {}, 0)) end_slice(p);
    add_prompt(p);
    check_limit();
  }
  end_slice(job_.prompts.size());
}

void SweepSlices::measured(double operations, double seconds) {
  // Limit of a slice's operations: the loss of a stop, or a first guess without a measured rate.
  constexpr double kSecondsPerSlice = 1.2, kFewestOperations = 5e9, kMostOperations = 5e12;
  operations_per_slice_ = std::clamp(operations * kSecondsPerSlice / seconds, kFewestOperations, kMostOperations);
}

void SweepSlices::add_point(GridPoint point, bool is_first_of_prompt) {
  SweepPrompt& prompt = *job_.prompts[point.prompt];
  bool is_new = slice_.prompts.empty() || slice_.prompts.back() != point.prompt;
  // The other runs of a new prompt are counted once its slice is known.
  const bool waits = use_ == SliceUse::run && is_first_of_prompt;
  ConeRun of{0, use_ == SliceUse::plan || waits ? prompt.places_at(point.index) : prompt.edits_at(point.index)};
  const ConeCost cost = cost_of_run(of, prompt.ids().size(), prompt.first_asked(), job_.model.config());
  const std::size_t edit_bytes = bytes_of_edits(of.edits);
  if (is_full(prompt, is_new, cost, edit_bytes)) {
    end_slice(point.prompt);
    is_new = true;
  }
  if (is_new) add_prompt(point.prompt);
  slice_.cost += cost;
  slice_.other_bytes += edit_bytes;
  check_limit();
  if (waits) {
    of.edits = prompt.edits_at(point.index);
    slice_.source_operations += prompt.source_operations();
  }
  of.text = slice_.prompts.size() - 1;
  slice_.request.runs.push_back(std::move(of));
  slice_.points.push_back(point);
}

void SweepSlices::add_prompt(std::size_t p) {
  const SweepPrompt& prompt = *job_.prompts[p];
  slice_.prompts.push_back(p);
  slice_.request.texts.push_back(prompt.ids());
  slice_.request.first_asked.push_back(prompt.first_asked());
  slice_.cost += prompt.clean_cost();
  slice_.other_bytes += other_bytes(prompt);
  if (kept_ != p) return;
  slice_.keeps_clean = true;
  slice_.other_bytes += kept_bytes(prompt);
  slice_.cost.operations -= prompt.clean_cost().operations;
  slice_.cost.full_operations -= prompt.clean_cost().full_operations;
}

// Whether the slice lacks memory or time for a point (or a clean run alone) of this prompt.
bool SweepSlices::is_full(const SweepPrompt& prompt, bool is_new, const ConeCost& point,
                          std::size_t point_bytes) const {
  if (slice_.prompts.empty()) return false;
  if (slice_.keeps_clean && is_new) return true;  // only one prompt's clean run can be kept
  const std::size_t most_points = job_.options.points_per_slice;
  if (most_points > 0 && (is_new || slice_.points.size() >= most_points)) return true;
  ConeCost cost = slice_.cost;
  cost += point;
  if (is_new) cost += prompt.clean_cost();
  if (bytes(cost, slice_.other_bytes + point_bytes + (is_new ? other_bytes(prompt) : 0)) > limit_) return true;
  // The cost of each point besides its products.
  constexpr double kOfAPoint = 1e6;
  return cost.operations + kOfAPoint * static_cast<double>(cost.runs) > most_operations(prompt, is_new);
}

double SweepSlices::most_operations(const SweepPrompt& prompt, bool is_new) const {
  if (job_.options.operations_per_slice > 0) return job_.options.operations_per_slice;
  if (is_new || may_keep(prompt)) return operations_per_slice_;
  // A prompt that continues in the next slice repeats its clean run there, unless it can be kept.
  constexpr double kCleanRuns = 10;
  return std::max(operations_per_slice_, kCleanRuns * prompt.clean_cost().operations);
}

// Finishes the slice: a point of `next_prompt` is the first of the next one.
void SweepSlices::end_slice(std::size_t next_prompt) {
  if (!slice_.prompts.empty()) {
    keep_clean_for(next_prompt);
    work_(slice_);
  }
  for (const std::size_t p : slice_.prompts)
    if (p != next_prompt) job_.prompts[p]->release();
  slice_ = {};
}

void SweepSlices::keep_clean_for(std::size_t next_prompt) {
  const bool alone = slice_.prompts.size() == 1;
  if (alone && !slice_.keeps_clean && next_prompt == slice_.prompts[0]) {
    const SweepPrompt& prompt = *job_.prompts[next_prompt];
    const std::size_t with_clean = slice_.other_bytes + kept_bytes(prompt);
    if (may_keep(prompt) && bytes(slice_.cost, with_clean) <= limit_) {
      slice_.keeps_clean = true;
      slice_.other_bytes = with_clean;
      kept_ = next_prompt;
    }
  }
  if (kept_ && kept_ != next_prompt) kept_.reset();
}

void SweepSlices::check_limit() const {
  const auto kibi = [](std::size_t count) { return std::to_string((count + 1023) >> 10) + " KiB"; };
  const std::size_t needed = bytes(slice_);
  if (needed > limit_)
    throw Error("sweep", "one grid point needs " + kibi(needed) + ", more than the memory limit of " + kibi(limit_),
                "raise --memory-limit");
}

std::size_t SweepSlices::bytes(const ConeCost& cost, std::size_t other) const {
  return cost.bytes(job_.model.config(), rows_at_once_, job_.model.threads()) + other +
         job_.points * (sizeof(double) + sizeof(Effect));
}

// Memory of a prompt in a slice besides its rows.
std::size_t SweepSlices::other_bytes(const SweepPrompt& prompt) const {
  return prompt.source_bytes() +
         (prompt.ids().size() - prompt.first_asked()) * MetricReader<float>::row_bytes(job_.model.config().d_vocab);
}

std::size_t SweepSlices::kept_bytes(const SweepPrompt& prompt) const {
  return kept_bytes_of_text(prompt.ids().size(), prompt.first_asked(), job_.model.config());
}

// Whether all blocks of a prompt's clean run can be kept with the grid points.
bool SweepSlices::may_keep(const SweepPrompt& prompt) const { return kept_bytes(prompt) <= limit_ / 2; }

}  // namespace stratoscope
