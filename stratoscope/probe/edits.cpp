#include "stratoscope/probe/edits.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/probe/value_edit.h"
#include "stratoscope/probe/vector_files.h"

namespace stratoscope {
namespace {

// The layout of a hook point's value as [pos, head or 1, last axis] or [head, pos, key], for one or all positions.
struct Axes {
  Axes(HookPoint point, const ModelConfig& config, std::size_t positions)
      : has_keys(has_axis(point, HookAxis::key, config)),
        pos(has_keys ? 1 : 0),
        head(has_keys ? 0 : 1),
        heads(heads_of(point, config)),
        last(shape_of(point, config, positions).back()) {}
  bool has_keys;
  std::size_t pos, head;    // the indices of these axes
  std::size_t heads, last;  // their lengths
};

void check_axes(const HookExpression& expression, HookPoint point, const ModelConfig& config) {
  const bool has_heads = has_axis(point, HookAxis::head, config), has_keys = has_axis(point, HookAxis::key, config);
  const auto refuse = [&](const char* selector) {
    throw Error("edit", name_of(point) + " has no axis for the selector " + selector,
                has_keys    ? "it is [head, pos, key]"
                : has_heads ? "it is [pos, head, d]"
                            : "it is [pos, d]");
  };
  if (expression.heads && !has_heads) refuse(".head[…]");
  if (expression.keys && !has_keys) refuse(".key[…]");
  if (expression.dims && has_keys) refuse(".dim[…]");
}

void check_edit(const EditExpression& expression, HookPoint point, const ModelConfig& config) {
  check_axes(expression, point, config);
  if (expression.source == EditSource::mean && info_of(point.hook).has_axis(HookAxis::key))
    throw Error("edit", name_of(point) + " takes no mean: its rows see different keys", "a number, zero or corrupt");
}

[[noreturn]] void refuse_vector(const EditExpression& expression, const Shape& shape, std::size_t length,
                                HookPoint point) {
  throw Error("edit", expression.vector_file + ": the vector has shape " + to_string(shape) + ", but " +
                          name_of(point) + " needs [" + std::to_string(length) + "]");
}

Operand vector_operand(const EditExpression& expression, const EditSources& sources, std::size_t length,
                       HookPoint point) {
  Operand operand{{}, {0, 0, 1}, {}, 0, expression.number};
  double largest = 0;
  if (expression.vector_values) {
    operand.values = *expression.vector_values;
    if (operand.values.size() != length) refuse_vector(expression, {operand.values.size()}, length, point);
    for (const double number : operand.values)
      largest = std::isnan(number) ? number : std::max(largest, std::abs(number));
  } else {
    const auto& vector = sources.vectors().read(expression.vector_file, expression.vector_tensor, length);
    // [1, d] is a vector too, as a slice of one row of a matrix.
    if (!vector.numbers || std::count_if(vector.shape.begin(), vector.shape.end(), [](auto n) { return n != 1; }) > 1)
      refuse_vector(expression, vector.shape, length, point);
    operand.shared = vector.numbers;
    largest = vector.largest;
  }
  if (!std::isfinite(static_cast<float>(largest * expression.number)))
    throw Error("edit", expression.vector_file + ": the vector holds NaN or infinity, as float32");
  return operand;
}

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

// The position of the corrupt run that every row reads, if not its own: the named one, or the only one that the edit
// selects.
std::optional<std::size_t> corrupt_position(const EditExpression& expression, const EditSources& sources,
                                            std::optional<std::size_t> only) {
  const std::size_t positions = sources.corrupt_positions();
  if (expression.corrupt_position) return expression.corrupt_position->in(positions, "position");
  return only && *only < positions ? only : std::nullopt;
}

Operand corrupt_operand(const EditExpression& expression, const EditSources& sources, HookPoint point, const Axes& axes,
                        std::optional<std::size_t> only) {
  const auto shared = sources.corrupt(point);
  const PointValues& values = *shared;
  const std::size_t last = values.shape().back(), positions = sources.corrupt_positions();
  Operand operand{{}, {0, 0, 1}};
  operand.stride[axes.pos] = axes.has_keys ? last : values.size() / positions;
  operand.stride[axes.head] = axes.has_keys ? positions * last : last;
  operand.shared = shared;
  if (const auto position = corrupt_position(expression, sources, only)) {
    operand.offset = *position * operand.stride[axes.pos];
    operand.stride[axes.pos] = 0;
  }
  return operand;
}

Operand operand_of(const EditExpression& expression, const EditSources& sources, HookPoint point, const Axes& axes,
                   std::optional<std::size_t> only) {
  switch (expression.source) {
    case EditSource::number: return {{expression.number}, {0, 0, 0}};
    case EditSource::mean: return {{}, {0, axes.last, 1}, sources.mean(point)};
    case EditSource::corrupt: return corrupt_operand(expression, sources, point, axes, only);
    default: return vector_operand(expression, sources, axes.last, point);
  }
}

// `last` is the length of the operand's last axis: it may hold one vector, or one for each position or head.
void check_direction(const EditExpression& expression, const Operand& operand,
                     const std::optional<std::vector<std::size_t>>& dims, std::size_t last) {
  if (expression.op != EditOp::without) return;
  const auto numbers = operand.numbers();
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i] * operand.factor != 0 && (!dims || std::binary_search(dims->begin(), dims->end(), i % last))) return;
  throw Error("edit", "the vector of 'without' is zero and has no direction");
}

}  // namespace

EditSources::EditSources(const Model& model, TokenIds text, TokenIds corrupt, std::shared_ptr<VectorFiles> vectors)
    : model_(model),
      text_(std::move(text)),
      corrupt_ids_(std::move(corrupt)),
      extent_{text_.size(), text_.size(), 0},
      vectors_(vectors ? std::move(vectors) : std::make_shared<VectorFiles>()) {}

ReadPoints points_that_are_read(std::span<const EditExpression> expressions, const ModelConfig& config) {
  std::set<HookPoint> mean, corrupt;
  for (const EditExpression& expression : expressions) {
    if (expression.source != EditSource::mean && expression.source != EditSource::corrupt) continue;
    for (const HookPoint point : match_hook_points(expression.hook, config)) {
      check_edit(expression, point, config);
      (expression.source == EditSource::mean ? mean : corrupt).insert(point);
    }
  }
  return {{mean.begin(), mean.end()}, {corrupt.begin(), corrupt.end()}};
}

void EditSources::prepare(std::span<const EditExpression> expressions, Progress* progress) {
  const auto reads_corrupt = [](const EditExpression& expression) { return expression.source == EditSource::corrupt; };
  if (corrupt_ids_.empty() && std::any_of(expressions.begin(), expressions.end(), reads_corrupt))
    throw Error("edit", "the value 'corrupt' needs a text", "give one with --corrupt TEXT");
  const ReadPoints points = points_that_are_read(expressions, model_.config());
  run(text_, start_, points.mean, Keep::mean, means_, progress);
  run(corrupt_ids_, {}, points.corrupt, Keep::everything, corrupt_, progress);
}

void EditSources::set_text(TokenIds text, std::shared_ptr<const Start> start) {
  text_ = std::move(text);
  start_ = std::move(start);
  extent_ = {text_.size(), text_.size(), 0};
  means_.clear();
}

void EditSources::run(const TokenIds& ids, const std::shared_ptr<const Start>& start, std::vector<HookPoint> points,
                      Keep keep_what, Values& values, Progress* progress) const {
  std::erase_if(points, [&](HookPoint point) { return values.contains(point); });
  if (points.empty()) return;
  RunRequest request;
  request.sequences = {ids};
  request.start = start;
  request.captures = captures_of(points);
  request.hidden_states = false;
  request.logits = LogitRows::none;
  request.progress = progress;
  const auto keep = [&](const auto& run) {
    for (const auto& [point, tensor] : run.captured) {
      PointValues kept = keep_what == Keep::mean ? mean_of(tensor) : PointValues(tensor.shape());
      if (keep_what == Keep::everything) std::copy_n(tensor.data(), tensor.size(), kept.data());
      values.emplace(point, std::make_shared<const PointValues>(std::move(kept)));
    }
  };
  if (model_.precision() == Precision::fp64)
    keep(model_.run_reference(request));
  else
    keep(model_.run(request));
}

namespace {

void check_lengths(const EditExpression& expression, const EditSources& sources, const std::vector<HookPoint>& points) {
  if (expression.source != EditSource::corrupt || sources.corrupt_positions() == sources.text_positions()) return;
  const bool has_keys = std::any_of(points.begin(), points.end(),
                                    [](HookPoint point) { return info_of(point.hook).has_axis(HookAxis::key); });
  if (expression.corrupt_position && !has_keys) return;
  throw LengthMismatch("edit",
                       "the text has " + std::to_string(sources.text_positions()) + " tokens, the text of --corrupt " +
                           std::to_string(sources.corrupt_positions()),
                       has_keys ? "scores and patterns need the same number"
                                : "both need the same number, or name one position: corrupt[-1]");
}

// Positions from `extent.from` on, each judged when it was the last one.
std::vector<std::size_t> new_positions_of(const std::optional<IndexList>& list, const TextExtent& extent) {
  std::vector<std::size_t> positions;
  for (std::size_t p = extent.from; p < extent.most; ++p) {
    const auto set = list ? list->set_in(p + 1, extent.most, "position") : std::vector<std::size_t>{p};
    if (std::binary_search(set.begin(), set.end(), p)) positions.push_back(p);
  }
  return positions;
}

std::optional<std::vector<std::size_t>> positions_of(const EditExpression& expression, const TextExtent& extent) {
  if (extent.from > 0) return new_positions_of(expression.positions, extent);
  if (!expression.positions) return std::nullopt;
  return expression.positions->set_in(extent.now, extent.most, "position");
}

Chosen indices_of(const EditExpression& expression, const HookMatch& match, const TextExtent& extent,
                  const Axes& axes) {
  Chosen chosen;
  chosen[axes.pos] = positions_of(expression, extent);
  if (expression.heads) chosen[axes.head] = expression.heads->set_in(axes.heads, "head");
  if (match.heads) chosen[axes.head] = match.heads;
  if (expression.keys) {
    if (extent.from > 0 && expression.keys->counts_from_the_end())
      throw Error("edit", "keys counted from the end cannot be edited in new tokens alone", "count them from 0");
    chosen[2] = expression.keys->set_in(extent.now, extent.most, "key position");
  }
  if (expression.dims) chosen[2] = expression.dims->set_in(axes.last, "dimension");
  return chosen;
}

// An index out of range is an error of the edit.
Chosen chosen_by(const EditExpression& expression, const HookMatch& match, const TextExtent& extent, const Axes& axes) {
  try {
    return indices_of(expression, match, extent, axes);
  } catch (const Error& error) {
    throw EditError(error.where(), error.problem(), error.hint());
  }
}

HookMatch matched(const EditExpression& expression, const ModelConfig& config) {
  HookMatch match = match_hook(expression.hook, config);
  if (match.heads && expression.heads)
    throw Error("edit", in_quotes(expression.hook) + " names heads, and .head[…] others", "leave out one of them");
  return match;
}

std::optional<std::size_t> only_of(const std::optional<std::vector<std::size_t>>& positions) {
  return positions && positions->size() == 1 ? std::optional(positions->front()) : std::nullopt;
}

// An operand of one row per position, or of one number per key, has no values for rows after the text.
void keep_below(std::size_t count, std::optional<std::vector<std::size_t>>& chosen) {
  if (!chosen) chosen = parse_index_set("all", count, "position");
  std::erase_if(*chosen, [&](std::size_t index) { return index >= count; });
}

}  // namespace

void check_edit_of_text(const EditExpression& expression, const EditSources& sources) {
  const ModelConfig& config = sources.model().config();
  const HookMatch match = matched(expression, config);
  check_lengths(expression, sources, match.points);
  for (const HookPoint point : match.points) {
    check_edit(expression, point, config);
    const Axes axes(point, config, sources.text_positions());
    static_cast<void>(chosen_by(expression, match, sources.extent(), axes));
    if (expression.source == EditSource::corrupt && expression.corrupt_position)
      static_cast<void>(expression.corrupt_position->in(sources.corrupt_positions(), "position"));
  }
}

namespace {

// Calls use(hook point, axes, chosen) for every hook point of the expression. `chosen` are the selected rows and
// numbers that the operand has values for.
template <class Use>
void for_places(const EditExpression& expression, const EditSources& sources, const Use& use) {
  const ModelConfig& config = sources.model().config();
  const HookMatch match = matched(expression, config);
  check_lengths(expression, sources, match.points);
  for (const HookPoint point : match.points) {
    check_edit(expression, point, config);
    const Axes axes(point, config, sources.text_positions());
    Chosen chosen = chosen_by(expression, match, sources.extent(), axes);
    const bool reads_keys = axes.has_keys && expression.source != EditSource::number;
    const bool reads_rows =
        expression.source == EditSource::corrupt && !corrupt_position(expression, sources, only_of(chosen[axes.pos]));
    if (reads_rows || reads_keys) keep_below(sources.text_positions(), chosen[axes.pos]);
    if (chosen[axes.pos] && chosen[axes.pos]->empty())
      throw Error("edit", in_quotes(expression.text) + " acts on no position",
                  sources.extent().from > 0 ? "it may act on new tokens only" : "");
    use(point, axes, chosen);
  }
}

}  // namespace

std::vector<HookEdit> resolve_edit(const EditExpression& expression, const EditSources& sources, std::size_t sequence) {
  std::vector<HookEdit> edits;
  for_places(expression, sources, [&](HookPoint point, const Axes& axes, Chosen& chosen) {
    Operand operand = operand_of(expression, sources, point, axes, only_of(chosen[axes.pos]));
    check_direction(expression, operand, chosen[2], axes.last);
    auto positions = chosen[axes.pos];
    edits.push_back({point, sequence,
                     std::make_shared<ValueEdit>(point.hook, expression.op, std::move(operand), std::move(chosen)),
                     std::move(positions)});
  });
  return edits;
}

std::vector<HookEdit> place_edit(const EditExpression& expression, const EditSources& sources, std::size_t sequence) {
  std::vector<HookEdit> edits;
  for_places(expression, sources, [&](HookPoint point, const Axes& axes, Chosen& chosen) {
    if (expression.source == EditSource::number || expression.source == EditSource::vector)
      check_direction(expression, operand_of(expression, sources, point, axes, std::nullopt), chosen[2], axes.last);
    edits.push_back({point, sequence, nullptr, std::move(chosen[axes.pos])});
  });
  return edits;
}

void check_corrupt_is_read(std::span<const EditExpression> expressions, bool given) {
  const bool read = std::any_of(expressions.begin(), expressions.end(), [](const EditExpression& expression) {
    return expression.source == EditSource::corrupt;
  });
  if (given && !read)
    throw Error("edit", "a text for 'corrupt' is given, but no edit reads it",
                "write --edit \"HOOK = corrupt\", or leave out --corrupt");
}

std::vector<GlobMatch> globs_of(std::span<const EditExpression> edits, const ModelConfig& config) {
  std::vector<GlobMatch> globs;
  for (const EditExpression& edit : edits)
    if (HookMatch match = match_hook(edit.hook, config); match.is_glob)
      globs.push_back({edit.text, std::move(match.points)});
  return globs;
}

bool cancelled_by_final_norm(const EditExpression& expression, const ModelConfig& config) {
  const auto points = match_hook_points(expression.hook, config);
  return points.size() == 1 && points[0] == HookPoint{Hook::resid_post, config.n_layers() - 1} &&
         expression.op == EditOp::multiply && expression.source == EditSource::number && expression.number > 0 &&
         !expression.dims;
}

}  // namespace stratoscope
