#include "stratoscope/probe/edit_sources.h"

#include <algorithm>
#include <set>

#include "stratoscope/base/error.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/median.h"
#include "stratoscope/probe/vector_files.h"

namespace stratoscope {
namespace {

// The mean over the rows, [width].
template <class T>
PointValues mean_of(const BasicTensor<T>& values) {
  const std::size_t rows = values.shape()[0], width = values.size() / rows;
  PointValues mean = PointValues::zeros({width});
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t i = 0; i < width; ++i) mean.data()[i] += static_cast<double>(values.data()[r * width + i]);
  for (double& number : mean.values()) number /= static_cast<double>(rows);
  return mean;
}

// The median over the rows, [width].
template <class T>
PointValues medians_of(const BasicTensor<T>& values) {
  const std::size_t rows = values.shape()[0], width = values.size() / rows;
  PointValues medians({width});
  std::vector<double> column(rows);
  for (std::size_t i = 0; i < width; ++i) {
    for (std::size_t r = 0; r < rows; ++r) column[r] = static_cast<double>(values.data()[r * width + i]);
    medians.data()[i] = median_of(column);
  }
  return medians;
}

template <class T>
PointValues form_of_values(EditSource source, const BasicTensor<T>& values) {
  if (source == EditSource::mean) return mean_of(values);
  if (source == EditSource::median) return medians_of(values);
  PointValues all(values.shape());
  std::copy_n(values.data(), values.size(), all.data());
  return all;
}

bool is_of_corrupt(ReadPoint read) { return read.first == EditSource::corrupt; }

}  // namespace

EditSources::EditSources(const Model& model, TokenIds text, TokenIds corrupt, std::shared_ptr<VectorFiles> vectors,
                         const Tokenizer* tokenizer)
    : model_(model),
      tokenizer_(tokenizer),
      text_(std::move(text)),
      corrupt_ids_(std::move(corrupt)),
      extent_{text_.size(), text_.size(), 0},
      vectors_(vectors ? std::move(vectors) : std::make_shared<VectorFiles>()) {}

std::vector<ReadPoint> points_that_are_read(std::span<const EditExpression> expressions, const ModelConfig& config) {
  std::set<ReadPoint> reads;
  for (const EditExpression& expression : expressions) {
    if (!expression.reads_other_run()) continue;
    for (const HookPoint point : match_hook_points(expression.hook, config)) {
      check_edit_of_point(expression, point, config);
      for (const EditTerm& term : expression.terms)
        if (reads_other_run(term.source)) reads.insert({term.source, point});
    }
  }
  return {reads.begin(), reads.end()};
}

void EditSources::prepare(std::span<const EditExpression> expressions, Progress* progress) {
  const auto reads_corrupt = [](const EditExpression& expression) { return expression.reads(EditSource::corrupt); };
  if (corrupt_ids_.empty() && std::any_of(expressions.begin(), expressions.end(), reads_corrupt))
    throw Error("edit", "the value 'corrupt' needs a text", "give one with --corrupt TEXT");
  std::vector<ReadPoint> of_text = points_that_are_read(expressions, model_.config());
  const auto corrupt =
      std::stable_partition(of_text.begin(), of_text.end(), [](const ReadPoint& read) { return !is_of_corrupt(read); });
  const std::vector<ReadPoint> of_corrupt(corrupt, of_text.end());
  of_text.erase(corrupt, of_text.end());
  run(text_, start_, std::move(of_text), progress);
  run(corrupt_ids_, {}, of_corrupt, progress);
}

void EditSources::set_text(TokenIds text, std::shared_ptr<const Start> start) {
  text_ = std::move(text);
  start_ = std::move(start);
  extent_ = {text_.size(), text_.size(), 0};
  std::erase_if(values_, [](const auto& known) { return !is_of_corrupt(known.first); });
}

void EditSources::run(const TokenIds& ids, const std::shared_ptr<const Start>& start, std::vector<ReadPoint> reads,
                      Progress* progress) {
  std::erase_if(reads, [&](const ReadPoint& read) { return values_.contains(read); });
  if (reads.empty()) return;
  std::set<HookPoint> points;
  for (const ReadPoint& read : reads) points.insert(read.second);
  RunRequest request;
  request.sequences = {ids};
  request.start = start;
  request.captures = captures_of(std::vector<HookPoint>(points.begin(), points.end()));
  request.hidden_states = false;
  request.logits = LogitRows::none;
  request.progress = progress;
  const auto keep = [&](const auto& run) {
    for (const ReadPoint& read : reads)
      values_.emplace(read, std::make_shared<const PointValues>(form_of_values(read.first, run.value(read.second))));
  };
  if (model_.precision() == Precision::fp64)
    keep(model_.run_reference(request));
  else
    keep(model_.run(request));
}

}  // namespace stratoscope
