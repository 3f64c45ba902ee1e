#include "stratoscope/experiments/heatmap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/attribution.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/files/npy.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/metrics.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

// The place of one row's numbers in a run, if it is one of the run.
struct RowSource {
  TokenRowKind kind = TokenRowKind::surprisal;
  HookPoint at = {};
  std::size_t head = 0, dim = 0;
  std::size_t position = 0;  // the query or the key
};

bool is_of_a_point(TokenRowKind kind) {
  return kind == TokenRowKind::hook || kind == TokenRowKind::attention_from || kind == TokenRowKind::attention_to;
}

bool is_of_a_run(TokenRowKind kind) { return kind != TokenRowKind::file && kind != TokenRowKind::attribution; }

[[noreturn]] void refuse(const TokenRow& row, const std::string& problem, const std::string& hint = {}) {
  throw Error("row", in_quotes(row.text) + " " + problem, hint);
}

// The rows of a request in a model and for a text, and their numbers.
class RowReader {
 public:
  RowReader(const Session& session, const HeatmapRequest& request, TextHeatmap& result)
      : session_(session),
        config_(session.config()),
        request_(request),
        result_(result),
        positions_(result.text.ids.size()) {
    for (const TokenRow& row : request.rows) add(row);
  }

  void read() {
    const bool in_runs =
        std::any_of(sources_.begin(), sources_.end(), [](const RowSource& source) { return is_of_a_run(source.kind); });
    if (in_runs || !request_.edits.expressions.empty()) {
      const EditedRun edited = run_text(session_, result_.text, request_.edits, pass(), request_.text_options);
      result_.effect = edited.effect;
      read_run(edited.run, &HeatmapRow::values);
    }
    const bool compares = request_.compare && result_.effect;
    if (compares && in_runs)
      read_run(run_text(session_, result_.text, {}, pass(), request_.text_options).run, &HeatmapRow::clean);
    for (std::size_t i = 0; i < sources_.size(); ++i)
      if (sources_[i].kind == TokenRowKind::attribution) attribute(result_.rows[i], compares);
  }

 private:
  void add(const TokenRow& row) {
    switch (row.kind) {
      case TokenRowKind::surprisal: return add(row, {row.kind}, "surprisal", "nats", false);
      case TokenRowKind::entropy:
        return add(row, {row.kind}, "entropy of the prediction after each token", "nats", false);
      case TokenRowKind::attribution: return add(row, {row.kind}, "attribution", "logits", true);
      case TokenRowKind::file: return add_file(row);
      default: add_points(row);
    }
  }
  void add(const TokenRow& row, RowSource source, std::string label, std::string unit, bool is_signed) {
    sources_.push_back(source);
    result_.rows.push_back({row.text, std::move(label), std::move(unit), is_signed, {}, {}});
  }

  void add_file(const TokenRow& row) {
    const StoredArray array = read_npy(row.file);
    const std::string name = row.file.string();
    const bool is_table = array.shape.size() == 2;
    if (array.shape.size() != 1 && !is_table)
      refuse(row, "has shape " + to_string(array.shape), "a row needs [tokens] or [tokens, columns]");
    if (array.shape[0] != positions_)
      refuse(row, "has " + std::to_string(array.shape[0]) + " numbers, and the text has " + std::to_string(positions_) +
                      " tokens");
    if (!is_table && row.column) refuse(row, "has no columns", "leave out the number after the colon");
    const std::size_t columns = is_table ? array.shape[1] : 1;
    if (columns > 1 && !row.column)
      refuse(row, "has " + std::to_string(columns) + " columns", "name one: " + name + ":0");
    const std::size_t column = row.column ? row.column->in(columns, "column") : Index(0).in(columns, "column");
    std::vector<double> numbers(positions_ * columns), values(positions_);
    convert(array.dtype, array.bytes, std::span<double>(numbers));
    for (std::size_t i = 0; i < positions_; ++i) values[i] = numbers[i * columns + column];
    const bool is_signed = std::any_of(values.begin(), values.end(), [](double value) { return value < 0; });
    add(row, {row.kind}, name + (is_table ? ", column " + std::to_string(column) : ""), "value", is_signed);
    result_.rows.back().values = std::move(values);
  }

  // Every head and dimension that the expression names.
  void add_points(const TokenRow& row) {
    const bool is_attention = row.kind != TokenRowKind::hook;
    if (row.hook.positions) refuse(row, "selects positions", "a row is of all tokens");
    if (row.hook.keys) refuse(row, "selects keys", "write L5H3[to 0] for the weights on key 0");
    const HookMatch match = match_hook(row.hook.hook, config_);
    if (match.points.size() != 1)
      refuse(row, "is " + std::to_string(match.points.size()) + " hook points", "a row is of one");
    HookPoint at = match.points[0];
    if (is_attention && at.hook == Hook::z) at.hook = Hook::pattern;
    if (is_attention && !has_axis(at, HookAxis::key, config_))
      refuse(row, "is not about a head's attention", "write L5H3[from -1], or L5H3.scores[from -1]");
    if (!is_attention && has_axis(at, HookAxis::key, config_))
      refuse(row, "has a number for each pair of tokens", "write L5H3[from -1] or L5H3[to 0]");
    const std::vector<std::size_t> heads = heads_of_row(row, match, at), dims = dims_of_row(row, at);
    const std::size_t position = is_attention ? row.position.in(positions_, "position") : 0;
    for (const std::size_t head : heads)
      for (const std::size_t dim : dims)
        if (is_attention)
          add(row, {row.kind, at, head, 0, position}, attention_label(row, at, head, position),
              at.hook == Hook::pattern ? "attention weight" : "attention score", at.hook != Hook::pattern);
        else
          add(row, {row.kind, at, head, dim, 0}, point_label(at, head, dim), "activation", true);
  }

  std::vector<std::size_t> heads_of_row(const TokenRow& row, const HookMatch& match, HookPoint at) const {
    if (match.heads && row.hook.heads) refuse(row, "names heads twice", "leave out .head[…]");
    if (match.heads) return *match.heads;
    const bool has_heads = has_axis(at, HookAxis::head, config_);
    if (row.hook.heads && !has_heads) refuse(row, "has no axis for the selector .head[…]");
    if (row.hook.heads) return row.hook.heads->set_in(heads_of(at, config_), "head");
    if (has_heads)
      refuse(row, "has " + std::to_string(heads_of(at, config_)) + " heads", "name one with .head[0], or as L5H3");
    return {0};
  }

  std::vector<std::size_t> dims_of_row(const TokenRow& row, HookPoint at) const {
    if (row.kind != TokenRowKind::hook) {
      if (row.hook.dims) refuse(row, "selects dimensions of an attention weight");
      return {0};
    }
    const std::size_t dims = shape_of(at, config_, positions_).back();
    if (row.hook.dims) return row.hook.dims->set_in(dims, "dimension");
    if (dims > 1)
      refuse(row, "has " + std::to_string(dims) + " numbers for each token", "name one: " + row.text + ".dim[0]");
    return {0};
  }

  std::string attention_label(const TokenRow& row, HookPoint at, std::size_t head, std::size_t position) const {
    return block_label(at.layer) + "H" + std::to_string(head) + ", " +
           (at.hook == Hook::pattern ? "attention " : "attention scores ") +
           (row.kind == TokenRowKind::attention_from ? "from token " : "to token ") + std::to_string(position) + ", " +
           token_label(result_.text.tokens[position]);
  }
  std::string point_label(HookPoint at, std::size_t head, std::size_t dim) const {
    std::string label = name_of(at);
    if (has_axis(at, HookAxis::head, config_)) label += ", head " + std::to_string(head);
    if (shape_of(at, config_, positions_).back() > 1) label += ", dimension " + std::to_string(dim);
    return label;
  }

  // The rows and heads that the sources read, with each hook point captured once.
  RunRequest pass() const {
    struct Part {
      std::set<std::size_t> rows, heads;
      bool all_rows = false;
    };
    std::map<HookPoint, Part> parts;
    RunRequest request;
    request.hidden_states = false;
    request.logits = LogitRows::last;
    for (const RowSource& source : sources_) {
      if (source.kind == TokenRowKind::surprisal || source.kind == TokenRowKind::entropy)
        request.logits = LogitRows::all;
      if (!is_of_a_point(source.kind)) continue;
      Part& part = parts[source.at];
      part.heads.insert(source.head);
      if (source.kind == TokenRowKind::attention_from)
        part.rows.insert(source.position);
      else
        part.all_rows = true;
    }
    for (const auto& [at, part] : parts) {
      Capture capture{at, std::nullopt, std::nullopt};
      if (!part.all_rows) capture.rows.emplace(part.rows.begin(), part.rows.end());
      if (has_axis(at, HookAxis::head, config_)) capture.heads.emplace(part.heads.begin(), part.heads.end());
      request.captures.push_back(std::move(capture));
    }
    return request;
  }

  void read_run(const AnyRun& run, std::vector<double> HeatmapRow::*to) {
    std::visit(
        [&](const auto& of) {
          const RunRequest request = pass();
          for (std::size_t i = 0; i < sources_.size(); ++i)
            if (is_of_a_run(sources_[i].kind)) result_.rows[i].*to = numbers_of(sources_[i], of, request.captures);
        },
        run);
  }

  template <class T>
  std::vector<double> numbers_of(const RowSource& source, const Run<T>& run,
                                 const std::vector<Capture>& captures) const {
    if (!is_of_a_point(source.kind)) return from_logits(source.kind, run.logits);
    const auto& value = run.value(source.at);
    const auto capture =
        std::find_if(captures.begin(), captures.end(), [&](const Capture& each) { return each.at == source.at; });
    const auto place = [](const std::optional<std::vector<std::size_t>>& chosen, std::size_t index) {
      if (!chosen) return index;
      return static_cast<std::size_t>(std::lower_bound(chosen->begin(), chosen->end(), index) - chosen->begin());
    };
    const std::size_t head = place(capture->heads, source.head);
    std::vector<double> numbers(positions_, kNoNumber);
    if (source.kind == TokenRowKind::hook) {
      const std::size_t heads = capture->heads ? capture->heads->size() : 1, dims = value.shape().back();
      for (std::size_t i = 0; i < positions_; ++i)
        numbers[i] = static_cast<double>(value.values()[(i * heads + head) * dims + source.dim]);
    } else if (source.kind == TokenRowKind::attention_from) {
      const std::span<const T> weights = value.slice(head).row_span(place(capture->rows, source.position));
      std::copy_n(weights.begin(), source.position + 1, numbers.begin());
    } else {
      for (std::size_t query = source.position; query < positions_; ++query)
        numbers[query] = static_cast<double>(value.slice(head).row_span(query)[source.position]);
    }
    return numbers;
  }

  template <class T>
  std::vector<double> from_logits(TokenRowKind kind, const BasicTensor<T>& logits) const {
    std::vector<double> numbers(positions_, kNoNumber);
    for (std::size_t i = 0; i < positions_; ++i) {
      const std::span<const T> row = logits.matrix().row_span(i);
      if (kind == TokenRowKind::entropy)
        numbers[i] = softmax_sums(row).entropy;
      else if (i + 1 < positions_)
        numbers[i + 1] = log_sum_exp(row) - static_cast<double>(row[static_cast<std::size_t>(result_.text.ids[i + 1])]);
    }
    return numbers;
  }

  // The clean run's attribution is of the same target.
  void attribute(HeatmapRow& row, bool compares) {
    AttributionRequest request{.text = request_.text,
                               .text_options = request_.text_options,
                               .edits = request_.edits,
                               .targets = request_.targets};
    if (request_.position) request.position = *request_.position;
    const Attribution attributed = attribution(session_, request);
    row.values = by_token(attributed);
    row.label = "attribution of the " + attribution_title(attributed) + " after token " +
                std::to_string(attributed.position) + " to the tokens that heads read";
    result_.targets = attributed.targets;
    if (!compares) return;
    request.edits = {};
    request.targets.clear();
    for (const Target& target : attributed.targets) request.targets.push_back({{}, target.id});
    row.clean = by_token(attribution(session_, request));
  }

  std::vector<double> by_token(const Attribution& attributed) const {
    std::vector<double> numbers(positions_, kNoNumber);
    std::fill_n(numbers.begin(), attributed.position + 1, 0.0);
    for (const std::vector<double>& block : attributed.by_source)
      for (std::size_t i = 0; i < block.size(); ++i) numbers[i] += block[i];
    return numbers;
  }

  const Session& session_;
  const ModelConfig& config_;
  const HeatmapRequest& request_;
  TextHeatmap& result_;
  std::size_t positions_;
  std::vector<RowSource> sources_;  // of each row
};

bool has_attribution(const HeatmapRequest& request) {
  return std::any_of(request.rows.begin(), request.rows.end(),
                     [](const TokenRow& row) { return row.kind == TokenRowKind::attribution; });
}

}  // namespace

void describe(HeatmapRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  fields
      .add("rows", request.rows,
           "the number that colours each token: surprisal, entropy, attribution, HOOK.dim[N], L5H3[from -1], L5H3[to "
           "0], or FILE.npy:COLUMN (may be given several times; default: surprisal)")
      .as_option("by")
      .value("X");
  add_targets(fields, request.targets, "of attribution: the token whose logit is decomposed; two: their difference");
  fields
      .add("position", request.position, "of attribution: the position before the predicted token (default: the last)")
      .value("P");
  add_compare(fields, request.compare);
  add_text(fields, request.text);
}

void check(const HeatmapRequest& request) {
  if ((!request.targets.empty() || request.position) && !has_attribution(request))
    throw UsageError("heatmap", "a target and a position belong to attribution, and no row is one",
                     "add --by attribution");
  if (request.rows.empty()) throw UsageError("heatmap", "there is no row", "give one with --by");
}

TextHeatmap heatmap(const Session& session, const HeatmapRequest& request) {
  check(request);
  TextHeatmap result;
  result.text = session.read(request.text, request.text_options);
  RowReader(session, request, result).read();
  return result;
}

std::vector<std::string> warnings_of(const TextHeatmap& result) { return cut_warnings(result.targets); }

}  // namespace stratoscope
