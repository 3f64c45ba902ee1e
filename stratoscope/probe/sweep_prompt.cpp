#include "stratoscope/probe/sweep_prompt.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/model/pass/widths.h"

namespace stratoscope {
namespace {

void check_targets(const TokenIds& targets, const ModelConfig& config) {
  for (const std::int32_t id : targets)
    if (id < 0 || static_cast<std::size_t>(id) >= config.d_vocab)
      throw Error("sweep", "the target " + std::to_string(id) + " is not in the model's vocabulary of " +
                               std::to_string(config.d_vocab));
}

void check_request(const SweepRequest& request, const ModelConfig& config) {
  if (!request.points.empty() && (!request.edits.empty() || !request.axes.empty()))
    throw Error("sweep", "cells of its own and templates are given", "leave out one of them");
  check_targets(request.targets, config);
  for (const Measure& measure : request.also) {
    check_targets(measure.targets, config);
    check_target_count("sweep", measure.metric, measure.targets.size());
  }
  if (request.whole && !request.also.empty())
    throw Error("sweep", "a whole target is scored alone", "leave out --whole or the other metrics and targets");
  if (request.whole && request.position)
    throw Error("sweep", "a whole target follows the last position", "leave out --whole or --position");
  if (request.position && *request.position >= request.text.size())
    throw Error("sweep", "position " + std::to_string(*request.position) + " is not in the text of " +
                             std::to_string(request.text.size()) + " tokens");
  if (request.whole && (request.metric != Metric::log_prob || request.targets.empty()))
    throw Error("sweep", "a whole target is scored by log_prob alone", "leave out --whole or choose --metric log_prob");
  if (!request.whole) check_target_count("sweep", request.metric, request.targets.size());
  if (request.edits.empty() && request.points.empty()) throw Error("sweep", "there is no edit", "give one with --edit");
}

const SweepRequest& checked(const SweepRequest& request, const ModelConfig& config) {
  check_request(request, config);
  return request;
}

std::size_t numbers_of(const std::set<HookPoint>& points, const ModelConfig& config, std::size_t positions) {
  std::size_t numbers = 0;
  for (const HookPoint point : points) numbers += element_count(shape_of(point, config, positions));
  return numbers;
}

}  // namespace

SweepPrompt::SweepPrompt(const Model& model, const SweepRequest& request, std::shared_ptr<VectorFiles> vectors)
    : request_(checked(request, model.config())),
      grid_(request.edits, request.axes),
      model_(model),
      vectors_(std::move(vectors)),
      ids_(request.text),
      lengths_(model, request.text, request.corrupt, vectors_, request.tokenizer),
      reading_(grid_.edits_that_read_other_runs()) {
  if (request.whole) ids_.insert(ids_.end(), request.targets.begin(), request.targets.end() - 1);
  if (request.position) ids_.resize(*request.position + 1);
  // Before anything runs.
  for (const EditExpression& edit : reading_) {
    if (edit.reads(EditSource::corrupt) && request.corrupt.empty())
      throw Error("edit", "the value 'corrupt' needs a text", "give one with --corrupt TEXT");
    check_edit_of_text(edit, lengths_);
  }
  read_ = points_that_are_read(reading_, model.config());
  clean_cost_ = cost_of_text(ids_.size(), first_asked(), model.config());
}

std::vector<HookEdit> SweepPrompt::with_positions(std::vector<HookEdit> edits) const {
  for (HookEdit& edit : edits) {
    if (edit.positions) {
      std::erase_if(*edit.positions, [&](std::size_t position) { return position >= ids_.size(); });
      continue;
    }
    edit.positions.emplace(ids_.size());
    std::iota(edit.positions->begin(), edit.positions->end(), std::size_t{0});
  }
  std::erase_if(edits, [](const HookEdit& edit) { return edit.positions->empty(); });
  return edits;
}

std::vector<HookEdit> SweepPrompt::edits_at(std::size_t point) {
  if (!request_.points.empty()) return with_positions(request_.points[point]);
  if (!sources_) {
    sources_.emplace(model_, request_.text, request_.corrupt, vectors_, request_.tokenizer);
    QuietProgress quiet(request_.progress);
    sources_->prepare(reading_, &quiet);
  }
  std::vector<HookEdit> edits;
  for (const EditExpression& expression : grid_.edits_at(point))
    for (HookEdit& edit : resolve_edit(expression, *sources_)) edits.push_back(std::move(edit));
  return with_positions(std::move(edits));
}

std::vector<HookEdit> SweepPrompt::places_at(std::size_t point) const {
  if (!request_.points.empty()) return with_positions(request_.points[point]);
  std::vector<HookEdit> edits;
  for (const EditExpression& expression : grid_.edits_at(point))
    for (HookEdit& edit : place_edit(expression, lengths_)) edits.push_back(std::move(edit));
  return with_positions(std::move(edits));
}

double SweepPrompt::source_operations() const {
  const ModelConfig& config = model_.config();
  double operations = 0;
  const auto add = [&](bool is_read, std::size_t positions) {
    if (!is_read) return;
    // All blocks of all positions, and no logits.
    operations += cost_of_text(positions, 0, config).operations - logit_operations(positions, config);
  };
  const auto is_of_corrupt = [](const ReadPoint& read) { return read.first == EditSource::corrupt; };
  add(!std::all_of(read_.begin(), read_.end(), is_of_corrupt), request_.text.size());
  add(std::any_of(read_.begin(), read_.end(), is_of_corrupt), request_.corrupt.size());
  return operations;
}

std::size_t SweepPrompt::source_bytes() const {
  const ModelConfig& config = model_.config();
  if (read_.empty()) return 0;
  // The captures and buffers of a run in its precision, and the kept values in double.
  std::set<HookPoint> of_text, of_corrupt;
  std::size_t kept = 0;
  for (const auto& [source, point] : read_) {
    const bool is_corrupt = source == EditSource::corrupt;
    (is_corrupt ? of_corrupt : of_text).insert(point);
    const bool is_one_row = source == EditSource::mean || source == EditSource::median;
    const std::size_t positions = is_corrupt ? request_.corrupt.size() : request_.text.size();
    kept += element_count(shape_of(point, config, is_one_row ? 1 : positions));
  }
  const std::size_t longest = std::max(request_.text.size(), request_.corrupt.size());
  const std::size_t captured = std::max(numbers_of(of_text, config, request_.text.size()),
                                        numbers_of(of_corrupt, config, request_.corrupt.size()));
  return sizeof(float) * (captured + longest * run_numbers(config)) + sizeof(double) * kept;
}

}  // namespace stratoscope
