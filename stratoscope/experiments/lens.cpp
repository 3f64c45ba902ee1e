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
#include "stratoscope/session/open_text.h"

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

FinalNorm norm_of(const Lens& lens) { return lens.raw ? FinalNorm::skipped : FinalNorm::applied; }

// What the lens reads in whole runs: logits of the residual stream or of a part of it, by depth.
template <class T>
class WholeRunRows {
 public:
  WholeRunRows(const Session& session, const LensRequest& request, const Lens& lens, const Run<T>& run, bool is_edited)
      : session_(session), lens_(lens), run_(run), points_(points_of(lens.at, session.config())) {
    if (!is_edited) return;
    // Edits after the blocks apply to the lens in the same way as to the model's prediction.
    for (const HookEdit& edit : resolve_edits(session, lens.text, request.edits, request.text_options))
      if (info_of(edit.at.hook).scope == Scope::after_blocks) edits_.push_back(edit);
  }

  // One row per asked position.
  BasicTensor<T> at(std::size_t depth) const { return rows_of(run_.value(points_[depth]), norm_of(lens_)); }
  BasicTensor<T> final() const {
    return rows_of(run_.value({Hook::resid_post, session_.config().n_layers() - 1}), FinalNorm::applied);
  }

 private:
  BasicTensor<T> rows_of(const BasicTensor<T>& residual, FinalNorm norm) const {
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
      return logits_from(std::move(pass), asked, norm);
    }
    const BasicTensor<T> all = logits_from(std::move(pass), residual, norm);
    BasicTensor<T> asked({lens_.positions.size(), all.shape().back()});
    for (std::size_t i = 0; i < lens_.positions.size(); ++i)
      std::copy_n(all.matrix().row(lens_.positions[i]), all.shape().back(), asked.matrix().row(i));
    return asked;
  }

  BasicTensor<T> logits_from(RunRequest pass, const BasicTensor<T>& residual, FinalNorm norm) const {
    pass.start = start_from(session_.config().n_layers(), residual.matrix());
    if (norm == FinalNorm::skipped) pass.edits.insert(pass.edits.begin(), without_final_norm(pass.start));
    if constexpr (std::is_same_v<T, float>)
      return session_.model().run(pass).logits;
    else
      return session_.model().run_reference(pass).logits;
  }

  const Session& session_;
  const Lens& lens_;
  const Run<T>& run_;
  std::vector<HookPoint> points_;
  std::vector<HookEdit> edits_;
};

// The same of an open text.
class OpenTextRows {
 public:
  OpenTextRows(OpenText& open, const Lens& lens, Which which) : open_(open), lens_(lens), which_(which) {}
  Tensor at(std::size_t depth) const { return open_.logits(which_, depth, lens_.positions, norm_of(lens_)); }
  Tensor final() const { return open_.logits(which_, open_.session().config().n_layers(), lens_.positions); }

 private:
  OpenText& open_;
  const Lens& lens_;
  Which which_;
};

// One run, and the logits of its last depth: the reference of all others.
template <class T, class Rows>
struct LensRun {
  explicit LensRun(Rows of)
      : rows(std::move(of)),
        final(rows.final()),
        change(Metric::kl, std::vector<TokenId>{}, false, std::as_const(final).matrix()) {}

  // The last depth of the residual stream is the prediction itself, which is there already.
  const BasicTensor<T>& at(std::size_t depth, bool is_final) {
    if (is_final) return final;
    return logits = rows.at(depth);
  }

  Rows rows;
  BasicTensor<T> final, logits;
  MetricReader<T> change;
};

// Reads one depth after the other through the unembedding, in a run that starts after the last block.
template <class T, class Rows>
class LensReader {
 public:
  LensReader(const Session& session, const LensRequest& request, Lens& lens, Rows shown, std::optional<Rows> clean)
      : session_(session), request_(request), lens_(lens), shown_(std::move(shown)) {
    if (clean) clean_.emplace(std::move(*clean));
    for (std::size_t i = 0; i < lens.positions.size(); ++i)
      targets_.push_back(lens.target ? lens.target->id
                                     : most_likely(std::as_const(shown_.final).matrix().row_span(i), 1)[0]);
  }

  void read() {
    lens_.cells.resize(lens_.depths.size());
    const std::size_t points = points_of(lens_.at, session_.config()).size();
    for (std::size_t row = lens_.depths.size(); row-- > 0;) {
      if (session_.progress() != nullptr)
        session_.progress()->update("lens", lens_.depths.size() - row - 1, lens_.depths.size());
      const bool is_final = !lens_.raw && lens_.at == LensPoint::resid && lens_.depths[row] + 1 == points;
      const BasicTensor<T>& logits = shown_.at(lens_.depths[row], is_final);
      const BasicTensor<T>* const clean = clean_ ? &clean_->at(lens_.depths[row], is_final) : nullptr;
      std::vector<LensCell> cells(lens_.positions.size());
      {
        const ThreadScope threads(session_.model().threads());
        parallel_for(cells.size(), [&](std::size_t i) { cells[i] = cell_of(logits, clean, i); });
      }
      lens_.cells[row] = std::move(cells);
      if (request_.take) request_.take(lens_, row);
    }
  }

 private:
  LensCell cell_of(const BasicTensor<T>& logits, const BasicTensor<T>* clean_logits, std::size_t i) const {
    const std::span<const T> row = logits.matrix().row_span(i);
    const SoftmaxSums sums = softmax_sums(row);
    LensCell cell;
    cell.top = likeliest(session_, row, request_.top, sums.log_sum_exp);
    cell.target = targets_[i];
    const TokenId targets[] = {cell.target};
    cell.target_prob = metric_value<T>(Metric::prob, row, sums, 0, targets);
    cell.target_rank = metric_value<T>(Metric::rank, row, sums, 0, targets);
    cell.entropy = sums.entropy;
    cell.kl = shown_.change.change(i, row, sums.log_sum_exp).kl;
    if (clean_logits == nullptr) return cell;
    const std::span<const T> clean_row = clean_logits->matrix().row_span(i);
    const SoftmaxSums clean_sums = softmax_sums(clean_row);
    CleanLensCell& clean = cell.clean.emplace();
    for (const Prediction& prediction : cell.top) {
      const TokenId listed[] = {prediction.id};
      clean.top_probs.push_back(metric_value<T>(Metric::prob, clean_row, clean_sums, 0, listed));
    }
    clean.target_prob = metric_value<T>(Metric::prob, clean_row, clean_sums, 0, targets);
    clean.target_rank = metric_value<T>(Metric::rank, clean_row, clean_sums, 0, targets);
    clean.entropy = clean_sums.entropy;
    clean.kl = clean_->change.change(i, clean_row, clean_sums.log_sum_exp).kl;
    return cell;
  }

  const Session& session_;
  const LensRequest& request_;
  Lens& lens_;
  LensRun<T, Rows> shown_;
  std::optional<LensRun<T, Rows>> clean_;
  std::vector<TokenId> targets_;  // of each position
};

Lens begin_lens(const Session& session, const LensRequest& request, Text text) {
  if (request.top == 0) throw Error("lens", "--top 0 asks for nothing", "give 1 or more");
  Lens lens;
  lens.at = request.at;
  lens.raw = request.raw;
  lens.text = std::move(text);
  lens.positions = request.positions.set_in(lens.text.ids.size(), "position");
  const std::vector<std::string> labels = labels_of(request.at, session.config());
  lens.depths = request.depths.set_in(labels.size(), "depth");
  for (const std::size_t depth : lens.depths) lens.labels.push_back(labels[depth]);
  if (request.target) lens.target = read_target(session, *request.target);
  return lens;
}

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
  fields.add("depths", request.depths, "the rows; 0 is the embedding, or the first block (default: all)")
      .value("I,J,…");
  add_compare(fields, request.compare);
  add_no_effect(fields, request.no_effect);
  fields
      .add("at", request.at,
           "the values that are read: resid, the residual stream at each depth; resid_mid, attn_out or mlp_out of each "
           "block")
      .value("POINT");
  fields.add("raw", request.raw, "read without the final norm: the unembedding alone");
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
  Lens lens = begin_lens(session, request, session.read(request.text, request.text_options));
  RunRequest pass;
  auto points = points_of(request.at, session.config());
  points.push_back({Hook::resid_post, session.config().n_layers() - 1});
  pass.captures = captures_of(points);
  pass.hidden_states = false;
  pass.logits = LogitRows::none;  // all of them if there are edits, to measure their effect
  const EditedRun edited = run_text(session, lens.text, request.edits, pass, request.text_options);
  if (!request.no_effect) lens.effect = edited.effect;
  std::optional<EditedRun> clean;
  if (request.compare && edited.effect) clean = run_text(session, lens.text, {}, pass, request.text_options);
  std::visit(
      [&]<class T>(const Run<T>& run) {
        using Rows = WholeRunRows<T>;
        std::optional<Rows> clean_rows;
        if (clean) clean_rows.emplace(session, request, lens, std::get<Run<T>>(clean->run), false);
        LensReader<T, Rows>(session, request, lens, Rows(session, request, lens, run, true), std::move(clean_rows))
            .read();
      },
      edited.run);
  return lens;
}

bool can_open(const LensRequest& request) { return request.at == LensPoint::resid; }

Lens read_open(OpenText& open, const LensRequest& request) {
  Lens lens = begin_lens(open.session(), request, open.text());
  if (!request.no_effect) lens.effect = open.effect();
  std::optional<OpenTextRows> clean;
  if (request.compare && open.has_edits()) clean.emplace(open, lens, Which::clean);
  LensReader<float, OpenTextRows>(open.session(), request, lens, OpenTextRows(open, lens, Which::edited), clean).read();
  return lens;
}

namespace {

Json finite_json(double value) { return std::isfinite(value) ? Json(value) : Json(); }

// One depth as an event: its likeliest tokens and their numbers, by position.
Json depth_json(const Lens& lens, std::size_t row) {
  Json json = {{"depth", lens.depths[row]}, {"positions", lens.positions}, {"tokens", Json::array()}};
  for (const LensCell& cell : lens.cells[row]) {
    json["tokens"].push_back(cell.top[0].token);
    json["ids"].push_back(cell.top[0].id);
    json["prob"].push_back(finite_json(cell.top[0].prob));
    json["entropy"].push_back(finite_json(cell.entropy));
    json["kl"].push_back(finite_json(cell.kl));
    if (!cell.clean) continue;
    json["clean_prob"].push_back(finite_json(cell.clean->top_probs[0]));
    json["clean_entropy"].push_back(finite_json(cell.clean->entropy));
    json["clean_kl"].push_back(finite_json(cell.clean->kl));
  }
  return json;
}

Json summary_json(TokenId target, double prob, double rank, double entropy, double kl) {
  return {{"target", target},
          {"target_prob", prob},
          {"target_rank", std::isfinite(rank) ? Json(static_cast<std::size_t>(rank)) : Json()},
          {"entropy", entropy},
          {"kl", kl}};
}

Json cell_tokens_json(const LensCell& cell) {
  Json tokens = Json::array();
  for (std::size_t i = 0; i < cell.top.size(); ++i) {
    const Prediction& p = cell.top[i];
    tokens.push_back({{"id", p.id}, {"token", p.token}, {"prob", p.prob}});
    if (cell.clean) tokens.back()["clean_prob"] = cell.clean->top_probs[i];
  }
  return tokens;
}

}  // namespace

void stream(LensRequest& request, const EmitEvent& emit) {
  request.take = [emit](const Lens& lens, std::size_t row) { emit("depth", finish_document(depth_json(lens, row))); };
}

std::vector<std::string> warnings_of(const Lens& lens) {
  return lens.target ? cut_warnings({*lens.target}) : std::vector<std::string>();
}

Document to_json(const Session& session, const Lens& lens, DocumentParts parts) {
  Json json = begin_document(session, lens.effect, &lens.text);
  if (lens.raw) json["raw"] = true;
  json["positions"] = lens.positions;
  json["tokens"] = lens.text.tokens;
  if (lens.target) json["target"] = target_json(*lens.target);
  json["layers"] = Json::array();
  for (std::size_t depth = 0; depth < lens.cells.size(); ++depth) {
    Json layer{{"label", lens.labels[depth]}};
    if (parts == DocumentParts::all) {
      layer["positions"] = layer["summary"] = Json::array();
      for (const LensCell& cell : lens.cells[depth]) {
        layer["positions"].push_back(cell_tokens_json(cell));
        Json summary = summary_json(cell.target, cell.target_prob, cell.target_rank, cell.entropy, cell.kl);
        if (const auto& clean = cell.clean)
          summary["clean"] =
              summary_json(cell.target, clean->target_prob, clean->target_rank, clean->entropy, clean->kl);
        layer["summary"].push_back(std::move(summary));
      }
    }
    json["layers"].push_back(std::move(layer));
  }
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Lens& lens) {
  std::vector<std::int32_t> ids, targets;
  std::vector<double> probs, target_probs, target_ranks, entropies, kls;
  std::vector<double> clean_probs, clean_entropies, clean_kls;
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
      if (!cell.clean) continue;
      clean_probs.insert(clean_probs.end(), cell.clean->top_probs.begin(), cell.clean->top_probs.end());
      clean_entropies.push_back(cell.clean->entropy);
      clean_kls.push_back(cell.clean->kl);
    }
  const Shape grid = {lens.cells.size(), lens.positions.size()};
  const Shape lists = {grid[0], grid[1], targets.empty() ? 0 : ids.size() / targets.size()};
  std::vector<NamedValues> arrays = {named_values("ids", lists, std::move(ids)),
                                     named_values("probs", lists, std::move(probs)),
                                     named_values("target", grid, std::move(targets)),
                                     named_values("target_prob", grid, std::move(target_probs)),
                                     named_values("target_rank", grid, std::move(target_ranks)),
                                     named_values("entropy", grid, std::move(entropies)),
                                     named_values("kl", grid, std::move(kls))};
  if (clean_kls.empty()) return arrays;
  arrays.push_back(named_values("clean_probs", lists, std::move(clean_probs)));
  arrays.push_back(named_values("clean_entropy", grid, std::move(clean_entropies)));
  arrays.push_back(named_values("clean_kl", grid, std::move(clean_kls)));
  return arrays;
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
  return {lens.raw ? "Raw logit lens" : "Logit lens",
          std::string(what_is_read(lens.at)) + ", read through " +
              (lens.raw ? "the unembedding alone, without the final norm" : "the final norm and the unembedding") +
              ": each cell shows the likeliest next token.",
          "",
          {panel},
          1,
          scale_of(lens, color, highest)};
}

}  // namespace stratoscope
