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

// Every depth's row of one token.
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

// So many of the pairs that a picture can hold them, evenly spaced.
std::vector<double> thinned(const std::vector<double>& values) {
  const std::size_t step = values.size() / kShownPairs + 1;
  std::vector<double> some;
  for (std::size_t i = 0; i < values.size(); i += step) some.push_back(values[i]);
  return some;
}

}  // namespace

Job::Step depth_view(Fields& fields, const Asked& asked) {
  const PositionField asked_token = read_position(fields, "token", 0);
  return [=](Job& job) {
    OpenText& text = asked.open();
    const std::size_t token = asked_token.in(text.positions());
    Answer answer;
    answer.json["token"] = {{"index", token}, {"token", text.text().tokens[token]}};
    answer.json["labels"] = depth_labels(asked.model->session().config());
    for (const Side side : sides_of(text)) {
      const auto depths = depths_of(text.run(side.which), token);
      answer.json[std::string(side.name) + "_statistics"] = statistics_json(depths);
      NamedArray& array = answer.add(side.name, {depths.rows, depths.cols});
      for (std::size_t d = 0; d < depths.rows; ++d)
        std::copy_n(depths.row(d), depths.cols, array.values.data() + d * depths.cols);
    }
    job.set_result(std::move(answer));
    return true;
  };
}

Job::Step similar_depths_view(Fields& fields, const Asked& asked) {
  const PositionField asked_token = read_position(fields, "token", 0);
  return [=](Job& job) {
    OpenText& text = asked.open();
    const std::size_t token = asked_token.in(text.positions());
    Answer answer;
    answer.json["token"] = {{"index", token}, {"token", text.text().tokens[token]}};
    answer.json["labels"] = depth_labels(asked.model->session().config());
    for (const Side side : sides_of(text)) {
      const auto matrix = cosine_matrix(depths_of(text.run(side.which), token));
      fill(answer.add(side.name, {matrix.size(), matrix.size()}), matrix);
    }
    job.set_result(std::move(answer));
    return true;
  };
}

Job::Step similar_tokens_view(Fields& fields, const Asked& asked) {
  const std::size_t depth = fields.count_or("depth", kTextBytes, 0);
  const WindowFields asked_window = read_window(fields, kWindow);
  return [=](Job& job) {
    OpenText& text = asked.open();
    const Window window = asked_window.in(text.positions());
    const ModelConfig& config = asked.model->session().config();
    checked_index("depth", depth, config.n_hidden_states());
    Answer answer;
    answer.json = {{"depth", depth}, {"label", depth_label(depth)}, {"from", window.from}, {"count", window.count}};
    for (const Side side : sides_of(text)) {
      const auto rows = text.run(side.which).hidden_states.slice(depth).rows_from(window.from, window.count);
      fill(answer.add(side.name, {window.count, window.count}), cosine_matrix(rows));
    }
    job.set_result(std::move(answer));
    return true;
  };
}

Job::Step profile_view(Fields& fields, const Asked& asked) {
  const WindowFields asked_window = read_window(fields, kWindow);
  return [=](Job& job) {
    OpenText& text = asked.open();
    const Window window = asked_window.in(text.positions());
    const ModelConfig& config = asked.model->session().config();
    Answer answer;
    answer.json = {{"labels", depth_labels(config)}, {"from", window.from}, {"count", window.count}};
    std::vector<std::vector<double>> clean;  // the pairs of each depth, where they are compared
    Json changes = Json::array();            // medians of what the edits change in a pair
    for (const Side side : sides_of(text)) {
      std::vector<std::vector<double>> shown;
      Json medians = Json::array(), means = Json::array();
      for (std::size_t depth = 0; depth < config.n_hidden_states(); ++depth) {
        job.throw_if_cancelled();
        const auto rows = text.run(side.which).hidden_states.slice(depth).rows_from(window.from, window.count);
        const auto values = upper_triangle(cosine_matrix(rows), window.from == 0 ? 1 : 0);
        medians.push_back(values.empty() ? Json() : Json(median(values)));
        means.push_back(values.empty() ? Json() : Json(mean(values)));
        answer.json["pairs"] = values.size();
        shown.push_back(thinned(values));
        if (side.which == Which::edited) {
          std::vector<double> change(values.size());
          std::transform(values.begin(), values.end(), clean[depth].begin(), change.begin(), std::minus<>());
          changes.push_back(change.empty() ? Json() : Json(median(change)));
        } else if (text.has_edits()) {
          clean.push_back(values);
        }
      }
      answer.json[std::string(side.name) + "_medians"] = std::move(medians);
      answer.json[std::string(side.name) + "_means"] = std::move(means);
      fill(answer.add(side.name, {shown.size(), shown.front().size()}), shown);
    }
    if (text.has_edits()) answer.json["difference_medians"] = std::move(changes);
    job.set_result(std::move(answer));
    return true;
  };
}

}  // namespace stratoscope::server
