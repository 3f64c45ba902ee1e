// Views of hidden states: activations, similarities.
#include <algorithm>
#include <functional>

#include "apps/server/limits.h"
#include "apps/server/views.h"
#include "stratoscope/analysis/similarity.h"
#include "stratoscope/analysis/statistics.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kShownPairs = 2000;  // per depth

// The hidden states of one token: a row for each depth.
MatrixView<const float> depths_of(const KeptRun& run, std::size_t token) {
  const MatrixView<const float> all = run.hidden_states.matrix();
  const std::size_t depths = run.hidden_states.shape()[0], positions = run.hidden_states.shape()[1];
  return {all.row(token), depths, all.cols, all.stride * positions};
}

void fill(NamedArray& array, const std::vector<std::vector<double>>& matrix) {
  std::size_t i = 0;
  for (const auto& row : matrix)
    for (const double value : row) array.values[i++] = static_cast<float>(value);
}

Json statistics_json(MatrixView<const float> depths) {
  Json list = Json::array();
  for (std::size_t d = 0; d < depths.rows; ++d) {
    const Statistics s = statistics<float>(depths.row_span(d));
    list.push_back({{"variance", s.variance}, {"mean", s.mean}, {"min", s.min}, {"max", s.max}, {"norm", s.norm}});
  }
  return list;
}

// About every n-th value, so that kShownPairs at most remain.
std::vector<double> subsampled(const std::vector<double>& values) {
  const std::size_t step = values.size() / kShownPairs + 1;
  std::vector<double> some;
  for (std::size_t i = 0; i < values.size(); i += step) some.push_back(values[i]);
  return some;
}

}  // namespace

Job::Step depth_view(Fields& fields, const TextRequest& text_request) {
  const PositionField token_field = read_position(fields, "token", 0);
  return [=](Job& job) {
    OpenText& text = text_request.open();
    const std::size_t token = token_field.in(text.positions());
    JobResult result;
    result.json["token"] = {{"index", token}, {"token", text.text().tokens[token]}};
    result.json["labels"] = depth_labels(text_request.model->session().config());
    for (const NamedRun run : runs_of(text)) {
      const auto depths = depths_of(text.run(run.which), token);
      result.json[std::string(run.name) + "_statistics"] = statistics_json(depths);
      NamedArray& array = result.add(run.name, {depths.rows, depths.cols});
      for (std::size_t d = 0; d < depths.rows; ++d)
        std::copy_n(depths.row(d), depths.cols, array.values.data() + d * depths.cols);
    }
    job.set_result(std::move(result));
    return true;
  };
}

Job::Step similar_depths_view(Fields& fields, const TextRequest& text_request) {
  const PositionField token_field = read_position(fields, "token", 0);
  return [=](Job& job) {
    OpenText& text = text_request.open();
    const std::size_t token = token_field.in(text.positions());
    JobResult result;
    result.json["token"] = {{"index", token}, {"token", text.text().tokens[token]}};
    result.json["labels"] = depth_labels(text_request.model->session().config());
    for (const NamedRun run : runs_of(text)) {
      const auto matrix = cosine_matrix(depths_of(text.run(run.which), token));
      fill(result.add(run.name, {matrix.size(), matrix.size()}), matrix);
    }
    job.set_result(std::move(result));
    return true;
  };
}

Job::Step similar_tokens_view(Fields& fields, const TextRequest& text_request) {
  const std::size_t depth = fields.count_or("depth", kTextBytes, 0);
  const WindowFields window_field = read_window(fields, kWindow);
  return [=](Job& job) {
    OpenText& text = text_request.open();
    const Window window = window_field.in(text.positions());
    const ModelConfig& config = text_request.model->session().config();
    checked_index("depth", depth, config.n_hidden_states());
    JobResult result;
    result.json = {{"depth", depth}, {"label", depth_label(depth)}, {"from", window.from}, {"count", window.count}};
    for (const NamedRun run : runs_of(text)) {
      const auto rows = text.run(run.which).hidden_states.slice(depth).rows_from(window.from, window.count);
      fill(result.add(run.name, {window.count, window.count}), cosine_matrix(rows));
    }
    job.set_result(std::move(result));
    return true;
  };
}

Job::Step profile_view(Fields& fields, const TextRequest& text_request) {
  const WindowFields window_field = read_window(fields, kWindow);
  return [=](Job& job) {
    OpenText& text = text_request.open();
    const Window window = window_field.in(text.positions());
    const ModelConfig& config = text_request.model->session().config();
    JobResult result;
    result.json = {{"labels", depth_labels(config)}, {"from", window.from}, {"count", window.count}};
    std::vector<std::vector<double>> clean;  // the pairs of each depth, for the comparison
    Json changes = Json::array();            // medians of edited minus clean
    for (const NamedRun run : runs_of(text)) {
      std::vector<std::vector<double>> shown;
      Json medians = Json::array(), means = Json::array();
      for (std::size_t depth = 0; depth < config.n_hidden_states(); ++depth) {
        job.throw_if_cancelled();
        const auto rows = text.run(run.which).hidden_states.slice(depth).rows_from(window.from, window.count);
        const auto values = upper_triangle(cosine_matrix(rows), window.from == 0 ? 1 : 0);
        medians.push_back(values.empty() ? Json() : Json(median(values)));
        means.push_back(values.empty() ? Json() : Json(mean(values)));
        result.json["pairs"] = values.size();
        shown.push_back(subsampled(values));
        if (run.which == Which::edited) {
          std::vector<double> change(values.size());
          std::transform(values.begin(), values.end(), clean[depth].begin(), change.begin(), std::minus<>());
          changes.push_back(change.empty() ? Json() : Json(median(change)));
        } else if (text.has_edits()) {
          clean.push_back(values);
        }
      }
      result.json[std::string(run.name) + "_medians"] = std::move(medians);
      result.json[std::string(run.name) + "_means"] = std::move(means);
      fill(result.add(run.name, {shown.size(), shown.front().size()}), shown);
    }
    if (text.has_edits()) result.json["difference_medians"] = std::move(changes);
    job.set_result(std::move(result));
    return true;
  };
}

}  // namespace stratoscope::server
