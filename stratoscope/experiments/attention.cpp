#include "stratoscope/experiments/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

Heads wanted_heads(const AttentionRequest& request, const ModelConfig& config) {
  Heads wanted = heads_named(request.heads, config, "attention");
  if (request.layer)
    for (const std::size_t layer : request.layer->set_in(config.n_layers(), "layer"))
      for (std::size_t head = 0; head < config.n_heads(); ++head) wanted.insert({layer, head});
  return wanted;
}

bool acts_in(const HookEdit& edit, std::size_t layer) {
  const Scope scope = info_of(edit.at.hook).scope;
  return scope == Scope::block ? edit.at.layer == layer : scope == Scope::before_blocks && layer == 0;
}

// Block by block, so that only one block's patterns are in memory.
template <class T>
void read_patterns(const Session& session, const std::vector<HookEdit>& edits, const Heads& wanted, Attention& result) {
  std::shared_ptr<const Start> start;
  for (std::size_t layer = 0; layer < result.n_layers; ++layer) {
    if (session.progress() != nullptr) session.progress()->update("attention", layer, result.n_layers);
    QuietProgress quiet(session.progress());
    RunRequest pass;
    pass.sequences = {result.text.ids};
    pass.captures = captures_of(std::vector<HookPoint>{{Hook::pattern, layer}});
    pass.hidden_states = false;
    pass.start = start;
    pass.stop_at = layer + 1;
    pass.progress = &quiet;
    for (const HookEdit& edit : edits)
      if (acts_in(edit, layer)) pass.edits.push_back(edit);
    Run<T> run;
    if constexpr (std::is_same_v<T, float>)
      run = session.model().run(pass);
    else
      run = session.model().run_reference(pass);
    const BasicTensor<T>& patterns = run.value({Hook::pattern, layer});
    for (std::size_t head = 0; head < result.n_heads; ++head) {
      const MatrixView<const T> pattern = patterns.slice(head);
      result.heads.push_back({layer, head, attention_scores(pattern, std::span<const TokenId>(result.text.ids))});
      if (!wanted.contains({layer, head})) continue;
      HeadPattern& kept = result.patterns.emplace_back(HeadPattern{layer, head, {}});
      for (std::size_t query = 0; query < pattern.rows; ++query)
        kept.weights.emplace_back(pattern.row(query), pattern.row(query) + query + 1);
    }
    start = start_from(layer + 1, std::as_const(run.residual).matrix());
  }
}

std::string name_of_head(std::size_t layer, std::size_t head) {
  return "L" + std::to_string(layer) + "H" + std::to_string(head);
}

// Rows of nearly equal length, with at most four panels, or five if there are many.
std::size_t columns_of(std::size_t panels) {
  const std::size_t most = panels > 16 ? 5 : 4, rows = (panels + most - 1) / most;
  return (panels + rows - 1) / rows;
}

Figure patterns_figure(const Attention& result) {
  Figure figure;
  figure.title = "Attention patterns";
  figure.caption =
      "The attention weights of each token (row) on itself and the tokens before it (column). Rows sum to 1.";
  figure.color = ColorScale{ColorMap::viridis, "attention weight", 0, 1};
  const bool grid = result.patterns.size() > 3;
  figure.columns = grid ? columns_of(result.patterns.size()) : result.patterns.size();
  for (const HeadPattern& pattern : result.patterns) {
    Panel panel;
    panel.title = name_of_head(pattern.layer, pattern.head);
    Heatmap map;
    const std::size_t count = pattern.weights.size();
    for (const auto& row : pattern.weights) {
      map.values.push_back(row);
      map.values.back().resize(count, std::numeric_limits<double>::quiet_NaN());
    }
    panel.x.ticks = panel.y.ticks = token_labels(result.text.tokens);
    if (!grid) panel.x.title = "attends to", panel.y.title = "token";
    panel.marks = {map};
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

const char* title_of(AttentionScore score) {
  switch (score) {
    case AttentionScore::previous: return "weight on the previous token";
    case AttentionScore::first: return "weight on the first token";
    case AttentionScore::current: return "weight on the token itself";
    case AttentionScore::duplicate: return "weight on the token's last occurrence";
    case AttentionScore::induction: return "weight after the token's last occurrence";
    default: return "entropy of the weights (nats)";
  }
}

}  // namespace

void describe(AttentionRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  add_heads(fields, request.heads, "patterns of these heads, such as L5H3,L6H0");
  fields.add("layer", request.layer, "patterns of all heads of this block").value("L");
  fields.add("repeat", request.repeat, "read the text twice in a row: for induction heads");
  fields
      .add("by", request.by,
           "the score that ranks the heads, and is drawn without patterns: previous, first, current, duplicate, "
           "induction, entropy")
      .value("SCORE")
      .only_shown();
  add_top(fields, request.top, "number of printed heads").only_shown();
  add_text(fields, request.text);
}

double score_of(const AttentionScores& scores, AttentionScore score) {
  switch (score) {
    case AttentionScore::previous: return scores.previous;
    case AttentionScore::first: return scores.first;
    case AttentionScore::current: return scores.current;
    case AttentionScore::duplicate: return scores.duplicate;
    case AttentionScore::induction: return scores.induction;
    default: return scores.entropy;
  }
}

Attention attention(const Session& session, const AttentionRequest& request) {
  Attention result;
  const ModelConfig& config = session.config();
  result.n_layers = config.n_layers();
  result.n_heads = config.n_heads();
  const Heads wanted = wanted_heads(request, config);
  TextOptions options = request.text_options;
  options.repeat = request.repeat;
  result.text = session.read(request.text, options);
  const auto edits = resolve_edits(session, result.text, request.edits, options);
  if (session.precision() == Precision::fp64)
    read_patterns<double>(session, edits, wanted, result);
  else
    read_patterns<float>(session, edits, wanted, result);
  if (edits.empty()) return result;
  RunRequest pass;
  pass.hidden_states = false;
  result.effect = run_text(session, result.text, request.edits, pass, options).effect;
  return result;
}

std::vector<HeadScores> ranked(const Attention& result, AttentionScore by) {
  std::vector<HeadScores> heads = result.heads;
  const auto key = [&](const HeadScores& head) {
    const double score = score_of(head.scores, by);
    return std::isnan(score) ? -1 : score;
  };
  std::stable_sort(heads.begin(), heads.end(),
                   [&](const HeadScores& a, const HeadScores& b) { return key(a) > key(b); });
  return heads;
}

Document to_json(const Session& session, const Attention& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["tokens"] = result.text.tokens;
  json["heads"] = Json::array();
  for (const HeadScores& head : result.heads) {
    Json scores{{"layer", head.layer}, {"head", head.head}};
    for (const auto& [value, name] : kAttentionScores) {
      const double score = score_of(head.scores, value);
      scores[std::string(name)] =
          std::isfinite(score) ? Json(score) : Json();  // without a query there is no score and no warning
    }
    json["heads"].push_back(std::move(scores));
  }
  json["patterns"] = Json::array();
  for (const HeadPattern& pattern : result.patterns)
    json["patterns"].push_back({{"layer", pattern.layer}, {"head", pattern.head}, {"weights", pattern.weights}});
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Attention& result) {
  std::vector<NamedValues> arrays;
  for (const Choice<AttentionScore>& score : kAttentionScores) {
    std::vector<double> values;
    for (const HeadScores& head : result.heads) values.push_back(score_of(head.scores, score.value));
    arrays.push_back(named_values(std::string(score.name), {result.n_layers, result.n_heads}, std::move(values)));
  }
  std::vector<std::vector<std::vector<double>>> patterns;
  for (const HeadPattern& pattern : result.patterns) patterns.push_back(pattern.weights);
  if (!patterns.empty()) arrays.push_back(named_values("patterns", patterns));
  return arrays;
}

Figure figure_of(const Attention& result, const AttentionRequest& request) { return figure_of(result, request.by); }

Figure figure_of(const Attention& result, AttentionScore by) {
  if (!result.patterns.empty()) return patterns_figure(result);
  Panel panel;
  Heatmap map;
  double highest = 0;
  for (const HeadScores& head : result.heads) {
    if (head.head == 0) {
      map.values.emplace_back();
      panel.y.ticks.push_back(block_label(head.layer));
    }
    map.values.back().push_back(score_of(head.scores, by));
    if (std::isfinite(map.values.back().back())) highest = std::max(highest, map.values.back().back());
  }
  for (std::size_t head = 0; head < result.n_heads; ++head) panel.x.ticks.push_back("H" + std::to_string(head));
  panel.x.title = "head";
  panel.y.title = "block";
  panel.marks = {map};
  return {"Attention scores of the heads",
          std::string("The mean over the text's tokens for each head: ") + title_of(by) + ".",
          "",
          {panel},
          1,
          ColorScale{ColorMap::viridis, title_of(by), 0, highest > 0 ? highest : 1}};
}

}  // namespace stratoscope
