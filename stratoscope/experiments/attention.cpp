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
#include "stratoscope/session/open_text.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMostThumbnailSide = 64;  // that a server takes from others

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

// The largest weight of each cell, so that a thin line stays visible.
template <class T>
void add_thumbnail(MatrixView<const T> pattern, std::size_t side, std::vector<double>& thumbnails) {
  const std::size_t first = thumbnails.size(), count = pattern.rows;
  thumbnails.resize(first + side * side);
  for (std::size_t query = 0; query < count; ++query)
    for (std::size_t key = 0; key <= query; ++key) {
      double& cell = thumbnails[first + query * side / count * side + key * side / count];
      cell = std::max(cell, static_cast<double>(pattern.row(query)[key]));
    }
}

template <class T>
HeadPattern kept_pattern(std::size_t layer, std::size_t head, MatrixView<const T> pattern,
                         const std::vector<std::size_t>& positions) {
  HeadPattern kept{layer, head, {}};
  for (std::size_t query = 0; query < positions.size(); ++query) {
    auto& row = kept.weights.emplace_back();
    for (std::size_t key = 0; key <= query; ++key)
      row.push_back(static_cast<double>(pattern.row(positions[query])[positions[key]]));
  }
  return kept;
}

// What is asked of the patterns, and the text they are of.
struct PatternsAsked {
  const AttentionRequest& request;
  const Attention& result;
  Heads wanted;

  bool all_heads() const { return !request.no_scores || request.thumbnails > 0; }

  template <class T>
  void read(std::size_t layer, std::size_t head, MatrixView<const T> pattern, HeadsOfRun& into) const {
    if (!request.no_scores)
      into.heads.push_back({layer, head, attention_scores(pattern, std::span<const TokenId>(result.text.ids))});
    if (request.thumbnails > 0) add_thumbnail(pattern, result.thumbnail_side, into.thumbnails);
    if (wanted.contains({layer, head})) into.patterns.push_back(kept_pattern(layer, head, pattern, result.positions));
  }
};

// Block by block, so that only one block's patterns are in memory.
template <class T>
void read_patterns(const Session& session, const std::vector<HookEdit>& edits, const PatternsAsked& asked,
                   HeadsOfRun& into) {
  const Attention& result = asked.result;
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
    for (std::size_t head = 0; head < result.n_heads; ++head)
      asked.read(layer, head, MatrixView<const T>(patterns.slice(head)), into);
    start = start_from(layer + 1, std::as_const(run.residual).matrix());
  }
}

void read_open_patterns(OpenText& open, Which which, const PatternsAsked& asked, HeadsOfRun& into) {
  for (std::size_t layer = 0; layer < asked.result.n_layers; ++layer) {
    std::vector<std::size_t> heads;
    for (std::size_t head = 0; head < asked.result.n_heads; ++head)
      if (asked.all_heads() || asked.wanted.contains({layer, head})) heads.push_back(head);
    if (heads.empty()) continue;
    const bool is_all = heads.size() == asked.result.n_heads;
    const Tensor patterns = open.patterns(which, layer, is_all ? std::vector<std::size_t>() : heads);
    for (std::size_t i = 0; i < heads.size(); ++i) asked.read(layer, heads[i], patterns.slice(i), into);
  }
}

Attention begin_attention(const Session& session, const AttentionRequest& request, Text text) {
  Attention result;
  result.n_layers = session.config().n_layers();
  result.n_heads = session.config().n_heads();
  result.text = std::move(text);
  result.positions = request.positions.set_in(result.text.ids.size(), "position");
  result.thumbnail_side = std::min(request.thumbnails, result.text.ids.size());
  return result;
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
    for (const std::size_t position : result.positions)
      panel.x.ticks.push_back(token_label(result.text.tokens[position]));
    panel.y.ticks = panel.x.ticks;
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
  fields.add("positions", request.positions, "queries and keys of the patterns (default: all)").value("I,J,…");
  fields
      .add("thumbnails", request.thumbnails, "in JSON, pictures of all heads, N cells a side, each its largest weight")
      .value("N")
      .serve_at_most(kMostThumbnailSide);
  fields.add("no_scores", request.no_scores, "the patterns alone, without scores of all heads");
  add_compare(fields, request.compare);
  add_no_effect(fields, request.no_effect);
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

void check(const AttentionRequest& request) {
  if (request.no_scores && request.heads.empty() && !request.layer)
    throw UsageError("attention", "--no-scores requires --heads or --layer");
}

Attention attention(const Session& session, const AttentionRequest& request) {
  const Heads wanted = wanted_heads(request, session.config());
  TextOptions options = request.text_options;
  options.repeat = request.repeat;
  Attention result = begin_attention(session, request, session.read(request.text, options));
  const auto edits = resolve_edits(session, result.text, request.edits, options);
  const PatternsAsked asked{request, result, wanted};
  const auto read = [&](const std::vector<HookEdit>& with, HeadsOfRun& into) {
    if (session.precision() == Precision::fp64)
      read_patterns<double>(session, with, asked, into);
    else
      read_patterns<float>(session, with, asked, into);
  };
  read(edits, result);
  if (edits.empty()) return result;
  if (request.compare) read({}, result.clean.emplace());
  if (request.no_effect) return result;
  RunRequest pass;
  pass.hidden_states = false;
  result.effect = run_text(session, result.text, request.edits, pass, options).effect;
  return result;
}

bool can_open(const AttentionRequest&) { return true; }

Attention read_open(OpenText& open, const AttentionRequest& request) {
  const Heads wanted = wanted_heads(request, open.session().config());
  Attention result = begin_attention(open.session(), request, open.text());
  const PatternsAsked asked{request, result, wanted};
  read_open_patterns(open, Which::edited, asked, result);
  if (request.compare && open.has_edits()) read_open_patterns(open, Which::clean, asked, result.clean.emplace());
  if (!request.no_effect) result.effect = open.effect();
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

namespace {

Json heads_json(const HeadsOfRun& run) {
  Json heads = Json::array();
  for (const HeadScores& head : run.heads) {
    Json scores{{"layer", head.layer}, {"head", head.head}};
    for (const auto& [value, name] : kAttentionScores) {
      const double score = score_of(head.scores, value);
      scores[std::string(name)] =
          std::isfinite(score) ? Json(score) : Json();  // without a query there is no score and no warning
    }
    heads.push_back(std::move(scores));
  }
  return heads;
}

Json patterns_json(const HeadsOfRun& run, DocumentParts parts) {
  Json patterns = Json::array();
  for (const HeadPattern& pattern : run.patterns) {
    patterns.push_back({{"layer", pattern.layer}, {"head", pattern.head}});
    if (parts == DocumentParts::all) patterns.back()["weights"] = pattern.weights;
  }
  return patterns;
}

// [layer][head][query][key]
Json thumbnails_json(const Attention& result, const HeadsOfRun& run) {
  Json layers = Json::array();
  const double* cell = run.thumbnails.data();
  for (std::size_t layer = 0; layer < result.n_layers; ++layer) {
    layers.push_back(Json::array());
    for (std::size_t head = 0; head < result.n_heads; ++head) {
      layers.back().push_back(Json::array());
      for (std::size_t query = 0; query < result.thumbnail_side; ++query, cell += result.thumbnail_side)
        layers.back().back().push_back(std::vector<double>(cell, cell + result.thumbnail_side));
    }
  }
  return layers;
}

void add_arrays(const Attention& result, const HeadsOfRun& run, const std::string& prefix,
                std::vector<NamedValues>& arrays) {
  for (const Choice<AttentionScore>& score : kAttentionScores) {
    if (run.heads.empty()) break;
    std::vector<double> values;
    for (const HeadScores& head : run.heads) values.push_back(score_of(head.scores, score.value));
    arrays.push_back(
        named_values(prefix + std::string(score.name), {result.n_layers, result.n_heads}, std::move(values)));
  }
  std::vector<std::vector<std::vector<double>>> patterns;
  for (const HeadPattern& pattern : run.patterns) patterns.push_back(pattern.weights);
  if (!patterns.empty()) arrays.push_back(named_values(prefix + "patterns", patterns));
  if (!run.thumbnails.empty())
    arrays.push_back(named_values(prefix + "thumbnails",
                                  {result.n_layers, result.n_heads, result.thumbnail_side, result.thumbnail_side},
                                  run.thumbnails));
}

}  // namespace

std::vector<NamedValues> arrays_of(const Attention& result) {
  std::vector<NamedValues> arrays;
  add_arrays(result, result, "", arrays);
  if (result.clean) add_arrays(result, *result.clean, "clean_", arrays);
  return arrays;
}

Document to_json(const Session& session, const Attention& result, DocumentParts parts) {
  const bool is_whole = parts == DocumentParts::all;
  Json json = begin_document(session, result.effect, &result.text);
  json["tokens"] = result.text.tokens;
  if (is_whole) json["heads"] = heads_json(result);
  json["patterns"] = patterns_json(result, parts);
  if (result.positions.size() < result.text.ids.size()) json["positions"] = result.positions;
  if (!is_whole) {
    json["scores"] = choice_names<AttentionScore>();
    return finish_document(json);
  }
  if (!result.thumbnails.empty()) json["thumbnails"] = thumbnails_json(result, result);
  if (!result.clean) return finish_document(json);
  json["clean"] = {{"heads", heads_json(*result.clean)}, {"patterns", patterns_json(*result.clean, parts)}};
  if (!result.clean->thumbnails.empty()) json["clean"]["thumbnails"] = thumbnails_json(result, *result.clean);
  return finish_document(json);
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
