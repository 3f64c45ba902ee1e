#include "stratoscope/experiments/lens.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/probe/metric_reader.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

std::vector<HookPoint> points_of(LensPoint at, const ModelConfig& config) {
  std::vector<HookPoint> points;
  const Hook hook = at == LensPoint::resid       ? Hook::resid_pre
                    : at == LensPoint::resid_mid ? Hook::resid_mid
                    : at == LensPoint::attn_out  ? Hook::attn_out
                                                 : Hook::mlp_out;
  for (std::size_t layer = 0; layer < config.n_layers(); ++layer) points.push_back({hook, layer});
  if (at == LensPoint::resid) points.push_back({Hook::resid_post, config.n_layers() - 1});
  return points;
}

std::vector<std::string> labels_of(LensPoint at, const ModelConfig& config) {
  if (at == LensPoint::resid) return depth_labels(config);
  std::vector<std::string> labels;
  for (std::size_t layer = 0; layer < config.n_layers(); ++layer) labels.push_back(block_label(layer));
  return labels;
}

// Reads each depth through the final norm and the unembedding, by a run that starts after the last block.
template <class T>
class Reader {
 public:
  Reader(const Session& session, const LensRequest& request, Lens& lens, const Run<T>& run)
      : session_(session), request_(request), lens_(lens), run_(run) {
    // Edits after the blocks apply to the lens in the same way as to the model's prediction.
    for (const HookEdit& edit : resolve_edits(session, lens.text, request.edits, request.text_options))
      if (info_of(edit.at.hook).scope == Scope::after_blocks) edits_.push_back(edit);
  }

  void read() {
    const auto points = points_of(lens_.at, session_.config());
    const std::size_t last = session_.config().n_layers() - 1;
    final_ = rows_of(run_.value({Hook::resid_post, last}));
    final_reader_.emplace(Metric::kl, std::vector<TokenId>{}, false, std::as_const(final_).matrix());
    for (std::size_t depth = 0; depth < points.size(); ++depth) {
      if (session_.progress() != nullptr) session_.progress()->update("lens", depth, points.size());
      const BasicTensor<T> logits = rows_of(run_.value(points[depth]));
      std::vector<LensCell> cells(lens_.positions.size());
      const ThreadScope threads(session_.model().threads());
      parallel_for(cells.size(), [&](std::size_t i) { cells[i] = cell_of(logits, i); });
      lens_.cells.push_back(std::move(cells));
    }
  }

 private:
  // The logits of a depth, one row for each requested position.
  BasicTensor<T> rows_of(const BasicTensor<T>& residual) const {
    RunRequest pass;
    pass.sequences = {lens_.text.ids};
    pass.hidden_states = false;
    pass.edits = edits_;
    QuietProgress quiet(session_.progress());
    pass.progress = &quiet;
    if (edits_.empty() && lens_.positions.size() < lens_.text.ids.size()) {
      BasicTensor<T> asked({lens_.positions.size(), residual.shape().back()});
      for (std::size_t i = 0; i < lens_.positions.size(); ++i)
        std::copy_n(residual.matrix().row(lens_.positions[i]), residual.shape().back(), asked.matrix().row(i));
      pass.sequences[0].resize(lens_.positions.size());
      return logits_from(std::move(pass), asked);
    }
    const BasicTensor<T> all = logits_from(std::move(pass), residual);
    BasicTensor<T> asked({lens_.positions.size(), all.shape().back()});
    for (std::size_t i = 0; i < lens_.positions.size(); ++i)
      std::copy_n(all.matrix().row(lens_.positions[i]), all.shape().back(), asked.matrix().row(i));
    return asked;
  }

  BasicTensor<T> logits_from(RunRequest pass, const BasicTensor<T>& residual) const {
    pass.start = start_from(session_.config().n_layers(), residual.matrix());
    if constexpr (std::is_same_v<T, float>)
      return session_.model().run(pass).logits;
    else
      return session_.model().run_reference(pass).logits;
  }

  LensCell cell_of(const BasicTensor<T>& logits, std::size_t i) const {
    const std::span<const T> row = logits.matrix().row_span(i);
    const SoftmaxSums sums = softmax_sums(row);
    LensCell cell;
    cell.top = likeliest(session_, row, request_.top);
    cell.target = lens_.target ? lens_.target->id : most_likely(final_.matrix().row_span(i), 1)[0];
    const TokenId targets[] = {cell.target};
    cell.target_prob = metric_value<T>(Metric::prob, row, sums, 0, targets);
    cell.target_rank = metric_value<T>(Metric::rank, row, sums, 0, targets);
    cell.entropy = sums.entropy;
    cell.kl = final_reader_->change(i, row, sums.log_sum_exp).kl;
    return cell;
  }

  const Session& session_;
  const LensRequest& request_;
  Lens& lens_;
  const Run<T>& run_;
  std::vector<HookEdit> edits_;
  BasicTensor<T> final_;
  std::optional<MetricReader<T>> final_reader_;
};

double shown_value(const LensCell& cell, LensColor color, bool has_target) {
  switch (color) {
    case LensColor::prob: return has_target ? cell.target_prob : cell.top[0].prob;
    case LensColor::rank: return std::log10(1.0 + cell.target_rank);
    case LensColor::entropy: return cell.entropy;
    default: return cell.kl;
  }
}

ColorScale scale_of(const Lens& lens, LensColor color, double highest) {
  const std::string target = lens.target ? token_label(lens.target->token) : "the final guess";
  switch (color) {
    case LensColor::prob:
      return {ColorMap::viridis, lens.target ? "probability of " + target : "probability of the token shown", 0, 1};
    case LensColor::rank: return {ColorMap::viridis, "log10(1 + rank of " + target + ")", 0, std::max(highest, 1.0)};
    case LensColor::entropy: return {ColorMap::viridis, "entropy (nats)", 0, std::max(highest, 1e-9)};
    default: return {ColorMap::viridis, "KL to the final prediction (nats)", 0, std::max(highest, 1e-9)};
  }
}

const char* what_is_read(LensPoint at) {
  switch (at) {
    case LensPoint::resid: return "The residual stream at each depth";
    case LensPoint::resid_mid: return "The residual stream between attention and MLP of each block";
    case LensPoint::attn_out: return "What each block's attention adds";
    default: return "What each block's MLP adds";
  }
}

}  // namespace

void describe(LensRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  add_top(fields, request.top, "number of tokens in a cell");
  fields.add("positions", request.positions, "the positions (default: all)").value("I,J,…");
  fields
      .add("at", request.at,
           "the values that are read: resid, the residual stream at each depth; resid_mid, attn_out or mlp_out of each "
           "block")
      .value("POINT");
  fields.add("target", request.target, "follow this token's rank and probability").value("TEXT");
  fields
      .add("color", request.color,
           "colours of a figure: prob, rank of the target (or of the final guess), entropy, or kl to the final "
           "prediction")
      .value("BY")
      .only_shown();
  add_text(fields, request.text);
}

Lens lens(const Session& session, const LensRequest& request) {
  if (request.top == 0) throw Error("lens", "--top 0 asks for nothing", "give 1 or more");
  Lens lens;
  lens.at = request.at;
  lens.text = session.read(request.text, request.text_options);
  lens.positions = request.positions.set_in(lens.text.ids.size(), "position");
  lens.labels = labels_of(request.at, session.config());
  if (request.target) lens.target = read_target(session, *request.target);
  RunRequest pass;
  auto points = points_of(request.at, session.config());
  points.push_back({Hook::resid_post, session.config().n_layers() - 1});
  pass.captures = captures_of(points);
  pass.hidden_states = false;
  pass.logits = LogitRows::none;  // all of them if there are edits, to measure their effect
  const EditedRun edited = run_text(session, lens.text, request.edits, pass, request.text_options);
  lens.effect = edited.effect;
  std::visit([&]<class T>(const Run<T>& run) { Reader<T>(session, request, lens, run).read(); }, edited.run);
  return lens;
}

std::vector<std::string> warnings_of(const Lens& lens) {
  return lens.target ? cut_warnings({*lens.target}) : std::vector<std::string>();
}

Document to_json(const Session& session, const Lens& lens) {
  Json json = begin_document(session, lens.effect, &lens.text);
  json["positions"] = lens.positions;
  json["tokens"] = lens.text.tokens;
  if (lens.target) json["target"] = target_json(*lens.target);
  json["layers"] = Json::array();
  for (std::size_t depth = 0; depth < lens.cells.size(); ++depth) {
    Json layer{{"label", lens.labels[depth]}, {"positions", Json::array()}, {"summary", Json::array()}};
    for (const LensCell& cell : lens.cells[depth]) {
      Json tokens = Json::array();
      for (const Prediction& p : cell.top) tokens.push_back({{"id", p.id}, {"token", p.token}, {"prob", p.prob}});
      layer["positions"].push_back(std::move(tokens));
      const bool has_rank = std::isfinite(cell.target_rank);
      layer["summary"].push_back({{"target", cell.target},
                                  {"target_prob", cell.target_prob},
                                  {"target_rank", has_rank ? Json(static_cast<std::size_t>(cell.target_rank)) : Json()},
                                  {"entropy", cell.entropy},
                                  {"kl", cell.kl}});
    }
    json["layers"].push_back(std::move(layer));
  }
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Lens& lens) {
  std::vector<std::int32_t> ids, targets;
  std::vector<double> probs, target_probs, target_ranks, entropies, kls;
  for (const auto& depth : lens.cells)
    for (const LensCell& cell : depth) {
      for (const Prediction& p : cell.top) {
        ids.push_back(p.id);
        probs.push_back(p.prob);
      }
      targets.push_back(cell.target);
      target_probs.push_back(cell.target_prob);
      target_ranks.push_back(cell.target_rank);
      entropies.push_back(cell.entropy);
      kls.push_back(cell.kl);
    }
  const Shape grid = {lens.cells.size(), lens.positions.size()};
  const Shape lists = {grid[0], grid[1], targets.empty() ? 0 : ids.size() / targets.size()};
  return {named_values("ids", lists, std::move(ids)),
          named_values("probs", lists, std::move(probs)),
          named_values("target", grid, std::move(targets)),
          named_values("target_prob", grid, std::move(target_probs)),
          named_values("target_rank", grid, std::move(target_ranks)),
          named_values("entropy", grid, std::move(entropies)),
          named_values("kl", grid, std::move(kls))};
}

Figure figure_of(const Lens& lens, const LensRequest& request) { return figure_of(lens, request.color); }

Figure figure_of(const Lens& lens, LensColor color) {
  Panel panel;
  Heatmap map;
  double highest = 0;
  for (std::size_t row = lens.cells.size(); row-- > 0;) {  // the last depth on top
    panel.y.ticks.push_back(lens.labels[row]);
    auto& values = map.values.emplace_back();
    auto& texts = map.texts.emplace_back();
    for (const LensCell& cell : lens.cells[row]) {
      values.push_back(shown_value(cell, color, lens.target.has_value()));
      texts.push_back(token_label(cell.top[0].token));
      if (std::isfinite(values.back())) highest = std::max(highest, values.back());
    }
  }
  for (const std::size_t position : lens.positions) panel.x.ticks.push_back(token_label(lens.text.tokens[position]));
  panel.x.title = "token";
  panel.y.title = lens.at == LensPoint::resid ? "depth" : "block";
  panel.marks = {map};
  return {"Logit lens",
          std::string(what_is_read(lens.at)) +
              ", read through the final norm and the unembedding: each cell shows the likeliest next token.",
          "",
          {panel},
          1,
          scale_of(lens, color, highest)};
}

}  // namespace stratoscope
