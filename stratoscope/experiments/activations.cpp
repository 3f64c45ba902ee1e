#include "stratoscope/experiments/activations.h"

#include <algorithm>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

constexpr std::size_t kNotebooksToken = 8;

bool is_index(const std::string& text) {
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  return text.size() > sign && text.find_first_not_of("0123456789", sign) == std::string::npos;
}

// The token whose last byte is the last one of `word`'s first occurrence that begins and ends with tokens; a token may
// begin with one space before the word.
std::optional<std::size_t> last_piece_of(const Text& text, const std::string& word) {
  for (std::size_t first = 0; first < text.ids.size(); ++first) {
    std::size_t begin = text.offsets[first].first;
    const bool after_space = begin < text.text.size() && text.text[begin] == ' ' && !word.starts_with(' ');
    if (after_space) ++begin;
    if (text.text.compare(begin, word.size(), word) != 0) continue;
    for (std::size_t last = first; last < text.ids.size(); ++last)
      if (text.offsets[last].second == begin + word.size()) return last;
  }
  return std::nullopt;
}

}  // namespace

std::size_t choose_token(const Text& text, const std::optional<std::string>& chosen) {
  if (!chosen) return std::min(kNotebooksToken, text.ids.size() - 1);
  if (is_index(*chosen)) return parse_index(*chosen, text.ids.size(), "token");
  if (chosen->empty()) throw Error("token", "the chosen token is empty", "give an index or a word of the text");
  if (const auto found = last_piece_of(text, *chosen)) return *found;
  throw Error("token", in_quotes(*chosen) + " is neither an index nor a word or token of the text",
              "'stratoscope tokens' shows the text's tokens");
}

Activations activations(const Session& session, const ActivationsRequest& request) {
  Activations result;
  result.text = session.read(request.text, request.text_options);
  result.token = choose_token(result.text, request.token);
  result.labels = depth_labels(session.config());
  RunRequest run_request;
  run_request.logits = LogitRows::none;
  const EditedRun edited = run_text(session, result.text, request.edits, std::move(run_request), request.text_options);
  result.effect = edited.effect;
  std::visit(
      [&](const auto& run) {
        for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
          const auto row = run.hidden_states.slice(depth).row_span(result.token);
          result.values.emplace_back(row.begin(), row.end());
          result.statistics.push_back(statistics(row));
        }
      },
      edited.run);
  return result;
}

Document to_json(const Session& session, const Activations& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["token"] = {{"index", result.token}, {"token", result.text.tokens[result.token]}};
  json["layers"] = Json::array();
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    const Statistics& s = result.statistics[depth];
    json["layers"].push_back({{"label", result.labels[depth]},
                              {"variance", s.variance},
                              {"mean", s.mean},
                              {"min", s.min},
                              {"max", s.max},
                              {"norm", s.norm}});
  }
  return finish_document(json);
}

Figure figure_of(const Activations& result) {
  Panel scatter, variance;
  scatter.title = "Activations of " + token_label(result.text.tokens[result.token]);
  scatter.x = {"depth", result.labels, std::nullopt, false};
  scatter.y.title = "activation";
  scatter.marks = {JitteredPoints{result.values}};
  variance.title = "Their variance";
  variance.x = scatter.x;
  variance.y.title = "variance";
  Bars bars;
  for (const Statistics& s : result.statistics) bars.values.push_back(s.variance);
  bars.color_by_category = true;
  variance.marks = {bars};
  ColorScale color;
  color.title = "depth";
  color.high = static_cast<double>(result.labels.size() - 1);
  color.show_bar = false;
  return {"One token at every depth",
          "Each point is one dimension of the hidden state of " + token_label(result.text.tokens[result.token]) +
              " (token " + std::to_string(result.token) + ").",
          kLastDepthNote,
          {scatter, variance},
          2,
          color};
}

}  // namespace stratoscope
