#include "stratoscope/probe/edits.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/files/npy.h"
#include "stratoscope/files/safetensors.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/probe/value_edit.h"

namespace stratoscope {
namespace {

constexpr const char* kEditablePoints =
    "hook_resid_pre, hook_resid_mid, hook_resid_post, hook_attn_out and hook_mlp_out can be";

// How a site's value is cut into [pos, head or 1, last axis], and what its last axis is called.
struct Axes {
  std::size_t heads, last;
  std::string last_name;
};

Axes axes_of(Site site, const ModelConfig& config) {
  const Shape shape = shape_of(site, config, 1);
  return {shape.size() == 3 ? shape[1] : 1, shape.back(), "dimension"};
}

void check_selectors(const EditExpression& expression, Site site) {
  const HookPoint& info = hook_point(site.point);
  if (!info.editable) throw Error("edit", name_of(site) + " cannot be edited in this version", kEditablePoints);
  const auto needs = [&](const std::optional<std::string>& list, HookAxis axis, const char* selector) {
    if (list && !info.has_axis(axis))
      throw Error("edit", name_of(site) + " has no axis for the selector " + selector,
                  std::string("it is ") + (info.has_axis(HookAxis::head) ? "[pos, head, d]" : "[pos, d]"));
  };
  needs(expression.heads, HookAxis::head, ".head[…]");
  needs(expression.keys, HookAxis::key, ".key[…]");
}

std::vector<double> read_vector(const EditExpression& expression, std::size_t length, Site site) {
  std::vector<double> vector;
  Shape shape;
  const auto take = [&](DType dtype, const Shape& stored_shape, std::span<const std::byte> bytes) {
    shape = stored_shape;
    if (element_count(shape) != length) return;  // refused below
    vector.resize(length);
    convert(dtype, bytes, std::span<double>(vector));
  };
  if (expression.vector_tensor.empty()) {
    const StoredArray array = read_npy(expression.vector_file);
    take(array.dtype, array.shape, array.bytes);
  } else {
    const SafetensorsFile file(expression.vector_file);
    const StoredTensor& tensor = file.at(expression.vector_tensor);
    take(tensor.dtype, tensor.shape, tensor.bytes);
  }
  // [1, d] is a vector too, as slicing one row out of a matrix leaves it.
  if (vector.size() != length || std::count_if(shape.begin(), shape.end(), [](auto n) { return n != 1; }) > 1)
    throw Error("edit", expression.vector_file + ": the vector has shape " + to_string(shape) + ", but " +
                            name_of(site) + " needs [" + std::to_string(length) + "]");
  for (double& number : vector) {
    number *= expression.number;
    if (!std::isfinite(static_cast<float>(number)))
      throw Error("edit", expression.vector_file + ": the vector holds NaN or infinity, as float32");
  }
  return vector;
}

std::vector<double> mean_of(const SiteValues& values) {
  const std::size_t rows = values.shape()[0], width = values.shape()[1];
  std::vector<double> mean(width, 0.0);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t i = 0; i < width; ++i) mean[i] += values.data()[r * width + i];
  for (double& number : mean) number /= static_cast<double>(rows);
  return mean;
}

Operand corrupt_operand(const EditExpression& expression, const EditSources& sources, Site site, const Axes& axes) {
  const SiteValues& values = sources.corrupt(site);
  const std::size_t width = values.shape()[1];
  if (expression.corrupt_position) {
    const std::size_t row = parse_index(*expression.corrupt_position, sources.corrupt_positions(), "position");
    const double* begin = values.data() + row * width;
    return {{begin, begin + width}, {0, axes.last, 1}};
  }
  return {{values.data(), values.data() + values.size()}, {width, axes.last, 1}};
}

Operand operand_of(const EditExpression& expression, const EditSources& sources, Site site, const Axes& axes) {
  switch (expression.source) {
    case EditSource::number: return {{expression.number}, {0, 0, 0}};
    case EditSource::mean: return {mean_of(sources.clean(site)), {0, axes.last, 1}};
    case EditSource::corrupt: return corrupt_operand(expression, sources, site, axes);
    default: return {read_vector(expression, axes.last, site), {0, 0, 1}};
  }
}

void check_direction(const EditExpression& expression, const Operand& operand,
                     const std::optional<std::vector<std::size_t>>& dims) {
  if (expression.op != EditOp::without) return;
  const auto is_zero = [](double x) { return x == 0; };
  const bool zero = dims ? std::all_of(dims->begin(), dims->end(), [&](auto d) { return is_zero(operand.values[d]); })
                         : std::all_of(operand.values.begin(), operand.values.end(), is_zero);
  if (zero) throw Error("edit", "the vector of 'without' is zero and has no direction");
}

}  // namespace

EditSources::EditSources(const Model& model, TokenIds text, TokenIds corrupt)
    : model_(model), text_(std::move(text)), corrupt_ids_(std::move(corrupt)) {}

void EditSources::prepare(std::span<const EditExpression> expressions, Progress* progress) {
  std::set<Site> clean, corrupt;
  for (const EditExpression& expression : expressions) {
    if (expression.source != EditSource::mean && expression.source != EditSource::corrupt) continue;
    if (expression.source == EditSource::corrupt && corrupt_ids_.empty())
      throw Error("edit", "the value 'corrupt' has no text to be read from", "give one with --corrupt TEXT");
    for (const Site site : match_sites(expression.hook, model_.config())) {
      check_selectors(expression, site);
      (expression.source == EditSource::mean ? clean : corrupt).insert(site);
    }
  }
  run(text_, {clean.begin(), clean.end()}, clean_, progress);
  run(corrupt_ids_, {corrupt.begin(), corrupt.end()}, corrupt_, progress);
}

void EditSources::run(const TokenIds& ids, std::vector<Site> sites, std::map<Site, SiteValues>& values,
                      Progress* progress) const {
  std::erase_if(sites, [&](Site site) { return values.contains(site); });
  if (sites.empty()) return;
  RunRequest request;
  request.sequences = {ids};
  request.captures = std::move(sites);
  request.hidden_states = false;
  request.logits = LogitRows::none;
  request.progress = progress;
  const auto keep = [&](const auto& run) {
    for (const auto& [site, tensor] : run.captured) {
      SiteValues rows({ids.size(), tensor.size() / ids.size()});
      std::copy_n(tensor.data(), tensor.size(), rows.data());
      values.emplace(site, std::move(rows));
    }
  };
  if (model_.precision() == Precision::fp64)
    keep(model_.run_reference(request));
  else
    keep(model_.run(request));
}

std::vector<SiteEdit> resolve_edit(const EditExpression& expression, const EditSources& sources, std::size_t sequence) {
  const ModelConfig& config = sources.model().config();
  if (expression.source == EditSource::corrupt && !expression.corrupt_position &&
      sources.corrupt_positions() != sources.positions())
    throw LengthMismatch("edit",
                         "the text has " + std::to_string(sources.positions()) + " tokens, the text of --corrupt " +
                             std::to_string(sources.corrupt_positions()),
                         "both need the same number, or name one position: corrupt[-1]");
  std::vector<SiteEdit> edits;
  for (const Site site : match_sites(expression.hook, config)) {
    check_selectors(expression, site);
    const Axes axes = axes_of(site, config);
    std::array<std::optional<std::vector<std::size_t>>, 3> chosen;
    if (expression.positions) chosen[0] = parse_index_set(*expression.positions, sources.positions(), "position");
    if (expression.heads) chosen[1] = parse_index_set(*expression.heads, axes.heads, "head");
    if (expression.dims) chosen[2] = parse_index_set(*expression.dims, axes.last, axes.last_name);
    Operand operand = operand_of(expression, sources, site, axes);
    // An operand of one row per position has nothing for rows behind the text.
    if (operand.stride[0] != 0 && !chosen[0]) chosen[0] = parse_index_set("all", sources.positions(), "position");
    check_direction(expression, operand, chosen[2]);
    edits.push_back(
        {site, sequence, std::make_shared<ValueEdit>(expression.op, std::move(operand), std::move(chosen))});
  }
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

bool cancelled_by_final_norm(const EditExpression& expression, const ModelConfig& config) {
  const auto sites = match_sites(expression.hook, config);
  return sites.size() == 1 && sites[0] == Site{Point::resid_post, config.n_layers - 1} &&
         expression.op == EditOp::multiply && expression.source == EditSource::number && expression.number > 0 &&
         !expression.dims;
}

}  // namespace stratoscope
