#include "stratoscope/probe/sweep.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/probe/indices.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMostCells = 1'000'000;
// Grid points share a forward pass as sequences of one batch, up to this many rows of activations or of logits.
constexpr std::size_t kRowsPerPass = 1024, kLogitRowsPerPass = 128;

std::vector<std::string> as_texts(const std::vector<std::size_t>& indices) {
  std::vector<std::string> texts;
  texts.reserve(indices.size());
  for (const std::size_t index : indices) texts.push_back(std::to_string(index));
  return texts;
}

// "3..5" to 3, 4, 5; anything else stays as it is.
void append_values(std::string_view piece, std::vector<std::string>& values) {
  const auto dots = piece.find("..");
  long first = 0, last = 0;
  const auto reads = [](std::string_view text, long& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
  };
  if (dots == std::string_view::npos || !reads(piece.substr(0, dots), first) || !reads(piece.substr(dots + 2), last)) {
    values.emplace_back(piece);
    return;
  }
  // Unsigned: the difference of two longs need not fit into one.
  const std::size_t steps = static_cast<std::size_t>(last) - static_cast<std::size_t>(first);
  if (first > last || steps >= kMostCells)
    throw Error("sweep", "the range " + in_quotes(piece) + " is empty or too long");
  for (std::size_t i = 0; i <= steps; ++i) values.push_back(std::to_string(first + static_cast<long>(i)));
}

bool is_axis_name(std::string_view name) {
  constexpr std::size_t kLongest = 80;
  return !name.empty() && name.size() <= kLongest &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

// The text with every {name} replaced; names that occur are added to `used`.
std::string filled(const std::string& text, const std::map<std::string, std::string>& values,
                   std::set<std::string>& used) {
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t open = text.find('{', begin);
    result += text.substr(begin, open - begin);
    if (open == std::string::npos) break;
    const std::size_t close = text.find('}', open);
    if (close == std::string::npos) throw GrammarError("edit", text, open, "this brace is not closed");
    const std::string name = text.substr(open + 1, close - open - 1);
    if (!is_axis_name(name))
      throw GrammarError("edit", text, open, in_quotes("{" + name + "}") + " is no placeholder",
                         "write the name of an axis in the braces");
    const auto value = values.find(name);
    if (value == values.end())
      throw GrammarError("edit", text, open, "the placeholder {" + name + "} has no axis", "add --over " + name + "=…");
    used.insert(name);
    result += value->second;
    begin = close + 1;
  }
  return result;
}

class Grid {
 public:
  explicit Grid(const SweepRequest& request) : request_(request) {
    std::set<std::string> names;
    for (const SweepAxis& axis : request.axes) {
      if (axis.values.empty()) throw Error("sweep", "the axis " + axis.name + " is empty");
      if (!names.insert(axis.name).second) throw Error("sweep", "the axis " + axis.name + " is given twice");
      if (__builtin_mul_overflow(cells_, axis.values.size(), &cells_) || cells_ > kMostCells)
        throw Error("sweep", "the grid has more than " + std::to_string(kMostCells) + " points");
    }
    std::set<std::string> used;
    edits_at(0, used);
    for (const std::string& name : names)
      if (!used.contains(name))
        throw Error("sweep", "no edit uses the axis " + name, "write {" + name + "} where its values belong");
  }

  std::size_t cells() const { return cells_; }

  std::vector<EditExpression> edits_at(std::size_t cell) const {
    std::set<std::string> used;
    return edits_at(cell, used);
  }

  std::vector<EditExpression> edits_that_read_other_runs() const {
    std::vector<EditExpression> edits;
    for (std::size_t cell = 0; cell < cells_; ++cell)
      for (EditExpression& edit : edits_at(cell))
        if (edit.source == EditSource::mean || edit.source == EditSource::corrupt) edits.push_back(std::move(edit));
    return edits;
  }

 private:
  std::vector<EditExpression> edits_at(std::size_t cell, std::set<std::string>& used) const {
    std::map<std::string, std::string> values;
    for (std::size_t a = request_.axes.size(); a-- > 0;) {
      const SweepAxis& axis = request_.axes[a];
      values[axis.name] = axis.values[cell % axis.values.size()];
      cell /= axis.values.size();
    }
    std::vector<EditExpression> edits;
    for (const std::string& text : request_.edits) edits.push_back(parse_edit(filled(text, values, used)));
    return edits;
  }

  const SweepRequest& request_;
  std::size_t cells_ = 1;
};

// The metric of one sequence of a run, whose logits are one row, or with `whole` those of all its positions.
template <class T>
class MetricReader {
 public:
  MetricReader(const SweepRequest& request, Run<T> clean) : request_(request), clean_(std::move(clean)) {}

  double clean() const { return read(clean_, 0).first; }

  std::pair<double, Effect> read(const Run<T>& run, std::size_t sequence) const {
    const std::size_t rows_per_sequence = run.logits.shape()[0] / run.sequences();
    const auto logits = run.logits.matrix().rows_from(sequence * rows_per_sequence, rows_per_sequence);
    const auto clean = clean_.logits.matrix();
    Effect effect;
    double value = 0;
    const std::size_t first = request_.whole ? request_.text.size() - 1 : 0;
    for (std::size_t r = first; r < logits.rows; ++r) {
      const auto targets = request_.whole ? std::span{request_.targets}.subspan(r - first, 1) : request_.targets;
      value += metric_value<T>(request_.metric, logits.row_span(r), clean.row_span(r), targets);
      effect.include<T>(clean.row_span(r), logits.row_span(r));
    }
    return {value, effect};
  }

 private:
  const SweepRequest& request_;
  Run<T> clean_;
};

template <class T, class RunModel>
SweepResult sweep_with(const SweepRequest& request, const Grid& grid, const EditSources& sources,
                       const RunModel& run_model) {
  TokenIds ids = request.text;
  if (request.whole) ids.insert(ids.end(), request.targets.begin(), request.targets.end() - 1);
  RunRequest pass;
  pass.hidden_states = false;
  pass.logits = request.whole ? LogitRows::all : LogitRows::last;
  QuietProgress quiet(request.progress);
  pass.progress = &quiet;
  pass.sequences = {ids};
  const MetricReader<T> reader(request, run_model(pass));

  SweepResult result;
  result.clean = reader.clean();
  result.values.resize(grid.cells());
  std::vector<Effect> effects(grid.cells());
  const std::size_t rows_per_pass = request.whole ? kLogitRowsPerPass : kRowsPerPass;
  const std::size_t cells_per_pass =
      std::clamp<std::size_t>(rows_per_pass / ids.size(), 1, request.whole ? kRowsPerPass : kLogitRowsPerPass);
  for (std::size_t first = 0; first < grid.cells(); first += cells_per_pass) {
    if (request.progress != nullptr) request.progress->update("sweep", first, grid.cells());
    const std::size_t count = std::min(cells_per_pass, grid.cells() - first);
    pass.sequences.assign(count, ids);
    pass.edits.clear();
    for (std::size_t i = 0; i < count; ++i)
      for (const EditExpression& edit : grid.edits_at(first + i))
        for (SiteEdit& site_edit : resolve_edit(edit, sources, i)) pass.edits.push_back(std::move(site_edit));
    const Run<T> run = run_model(pass);
    parallel_for(count,
                 [&](std::size_t i) { std::tie(result.values[first + i], effects[first + i]) = reader.read(run, i); });
  }
  if (request.progress != nullptr) request.progress->update("sweep", grid.cells(), grid.cells());
  for (const Effect& effect : effects) result.effect.include(effect);
  result.effects = std::move(effects);
  return result;
}

void check_targets(const SweepRequest& request) {
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
}

}  // namespace

SweepAxis parse_axis(std::string_view text, const ModelConfig& config, std::size_t positions) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos)
    throw Error("sweep", in_quotes(text) + " is no axis", "an axis reads like layer=all or factor=0,0.5,1");
  SweepAxis axis{std::string(text.substr(0, equals)), {}};
  const std::string_view list = text.substr(equals + 1);
  if (!is_axis_name(axis.name))
    throw Error("sweep", in_quotes(axis.name) + " is no name for an axis", "use up to 80 letters, digits and _");
  if (axis.name == "value") throw Error("sweep", "an axis may not be called 'value': results use that name");
  if (axis.name == "layer") {
    axis.values = as_texts(parse_indices(list, config.n_layers, "layer"));
  } else if (axis.name == "position") {
    axis.values = as_texts(parse_index_set(list, positions, "position"));
  } else if (axis.name == "head") {
    axis.values = as_texts(parse_indices(list, config.n_heads, "head"));
  } else {
    for (const std::string_view piece : split_list(list)) {
      if (piece.empty()) throw Error("sweep", "the axis " + axis.name + " has an empty value");
      append_values(piece, axis.values);
      if (axis.values.size() > kMostCells)
        throw Error("sweep", "the axis " + axis.name + " has more than " + std::to_string(kMostCells) + " values");
    }
  }
  return axis;
}

std::vector<EditExpression> edits_of_cell(const SweepRequest& request, std::size_t cell) {
  return Grid(request).edits_at(cell);
}

SweepResult sweep(const Model& model, const SweepRequest& request) {
  check_targets(request);
  if (request.edits.empty()) throw Error("sweep", "there is no edit", "give one with --edit");
  const Grid grid(request);
  EditSources sources(model, request.text, request.corrupt);
  sources.prepare(grid.edits_that_read_other_runs(), request.progress);
  const ThreadScope threads(model.threads());
  if (model.precision() == Precision::fp64)
    return sweep_with<double>(request, grid, sources, [&](const auto& pass) { return model.run_reference(pass); });
  return sweep_with<float>(request, grid, sources, [&](const auto& pass) { return model.run(pass); });
}

}  // namespace stratoscope
