#include "stratoscope/session/open_text.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

HookPoint last_output(const ModelConfig& config) { return {Hook::resid_post, config.n_layers() - 1}; }

Tensor take_last_output(Run<float>& run, const ModelConfig& config) {
  const auto found = std::find_if(run.captured.begin(), run.captured.end(),
                                  [&](const auto& captured) { return captured.first == last_output(config); });
  return std::move(found->second);
}

// Blocks in the order of the pass: what lies before them counts to the first, what lies after them is n_layers.
std::size_t block_of(const HookEdit& edit, const ModelConfig& config) {
  switch (info_of(edit.at.hook).scope) {
    case Scope::before_blocks: return 0;
    case Scope::block: return edit.at.layer;
    default: return config.n_layers();
  }
}

bool is_before_blocks(const HookEdit& edit) { return info_of(edit.at.hook).scope == Scope::before_blocks; }

}  // namespace

OpenText::OpenText(const Session& session, const std::string& text, const TextOptions& options)
    : session_(session), options_(options), text_(session.read(text, options)) {
  if (session.precision() == Precision::fp64)
    throw Error("text", "the fp64 path keeps no open texts", "use another --precision");
}

void OpenText::set_edits(const Edits& edits) {
  if (edits == asked_) return;
  edits_ = resolve_edits(session_, text_, edits, options_);
  asked_ = edits;
  edited_.reset();
  effect_.reset();
}

RunRequest OpenText::request() const {
  RunRequest request;
  request.sequences = {text_.ids};
  request.progress = session_.progress();
  request.logits = LogitRows::none;
  return request;
}

std::vector<HookEdit> OpenText::edits_in(Which which, std::size_t first_block, std::size_t end_block) const {
  std::vector<HookEdit> chosen;
  if (which == Which::edited)
    for (const HookEdit& edit : edits_) {
      const std::size_t block = block_of(edit, session_.config());
      // A pass that begins after the embeddings does not compute the hook points there.
      if (block >= first_block && block < end_block && !(first_block > 0 && is_before_blocks(edit)))
        chosen.push_back(edit);
    }
  return chosen;
}

const KeptRun& OpenText::run(Which which) {
  if (!clean_) {
    RunRequest pass = request();
    pass.captures = captures_of(std::vector<HookPoint>{last_output(session_.config())});
    Run<float> run = session_.model().run(pass);
    clean_is_finite_ = !has_nonfinite(run);
    clean_ = {std::move(run.hidden_states), take_last_output(run, session_.config())};
  }
  if (which == Which::clean || edits_.empty()) return *clean_;
  if (!edited_) edited_ = run_edited();
  return *edited_;
}

// Blocks before the first edit are the same as in the clean run.
KeptRun OpenText::run_edited() {
  const ModelConfig& config = session_.config();
  std::size_t first = config.n_layers();
  for (const HookEdit& edit : edits_) first = std::min(first, is_before_blocks(edit) ? 0 : block_of(edit, config));
  const bool from_tokens = std::any_of(edits_.begin(), edits_.end(), is_before_blocks);
  RunRequest pass = request();
  pass.edits = edits_in(Which::edited, 0, config.n_layers() + 1);
  // The logits are not computed here, so an edit of them would never act; logits() makes this edit.
  std::erase_if(pass.edits, [](const HookEdit& edit) { return edit.at.hook == Hook::unembed_out; });
  if (!from_tokens)
    pass.start = start_from(first, first == config.n_layers() ? clean_->last_residual.matrix()
                                                              : std::as_const(clean_->hidden_states).slice(first));
  if (first < config.n_layers()) pass.captures = captures_of(std::vector<HookPoint>{last_output(config)});
  capture_edited_points(pass);
  Run<float> run = session_.model().run(pass);
  edited_is_finite_ = !has_nonfinite(run);
  KeptRun kept;
  kept.last_residual = first == config.n_layers() ? clean_->last_residual.copy() : take_last_output(run, config);
  if (run.hidden_states.shape() == clean_->hidden_states.shape()) {
    kept.hidden_states = std::move(run.hidden_states);
  } else {
    kept.hidden_states = clean_->hidden_states.copy();
    std::copy_n(run.hidden_states.data(), run.hidden_states.size(),
                kept.hidden_states.data() + (kept.hidden_states.size() - run.hidden_states.size()));
  }
  return kept;
}

MatrixView<const float> OpenText::residual(Which which, std::size_t depth) {
  const KeptRun& kept = run(which);
  return depth < session_.config().n_layers() ? kept.hidden_states.slice(depth) : kept.last_residual.matrix();
}

Tensor OpenText::logits(Which which, std::size_t depth, std::span<const std::size_t> positions, FinalNorm norm) {
  const MatrixView<const float> stream = residual(which, depth);
  const std::size_t after_blocks = session_.config().n_layers();
  RunRequest pass = request();
  pass.logits = LogitRows::all;
  pass.hidden_states = false;
  pass.edits = edits_in(which, after_blocks, after_blocks + 1);
  if (!pass.edits.empty()) {  // edits name positions of the whole text
    pass.start = start_from(after_blocks, stream);
    if (norm == FinalNorm::skipped) pass.edits.insert(pass.edits.begin(), without_final_norm(pass.start));
    const Tensor all = session_.model().run(pass).logits;
    Tensor asked({positions.size(), all.shape().back()});
    for (std::size_t i = 0; i < positions.size(); ++i)
      std::copy_n(all.matrix().row(positions[i]), all.shape().back(), asked.matrix().row(i));
    return asked;
  }
  Tensor rows({positions.size(), stream.cols});
  for (std::size_t i = 0; i < positions.size(); ++i)
    std::copy_n(stream.row(positions[i]), stream.cols, rows.matrix().row(i));
  return read_out(std::as_const(rows).matrix(), norm);
}

// The unembedding is as large as many blocks, and reads its weights once for any number of rows.
Tensor OpenText::last_logits(std::size_t position) {
  const std::size_t after_blocks = session_.config().n_layers(), count = edits_.empty() ? 1 : 2;
  const std::size_t d_model = session_.config().d_model, at[] = {position};
  if (!edits_in(Which::edited, after_blocks, after_blocks + 1).empty()) {
    const Tensor clean = logits(Which::clean, after_blocks, at), edited = logits(Which::edited, after_blocks, at);
    Tensor both({2, clean.shape().back()});
    std::copy_n(clean.data(), clean.size(), both.matrix().row(0));
    std::copy_n(edited.data(), edited.size(), both.matrix().row(1));
    return both;
  }
  Tensor rows({count, d_model});
  std::copy_n(residual(Which::clean, after_blocks).row(position), d_model, rows.matrix().row(0));
  if (count == 2) std::copy_n(residual(Which::edited, after_blocks).row(position), d_model, rows.matrix().row(1));
  return read_out(std::as_const(rows).matrix(), FinalNorm::applied);
}

// [rows, d_vocab]: the logits of rows of the residual stream after the last block.
Tensor OpenText::read_out(MatrixView<const float> rows, FinalNorm norm) {
  RunRequest pass = request();
  pass.logits = LogitRows::all;
  pass.hidden_states = false;
  pass.sequences[0].resize(rows.rows);
  pass.start = start_from(session_.config().n_layers(), rows);
  if (norm == FinalNorm::skipped) pass.edits = {without_final_norm(pass.start)};
  return session_.model().run(pass).logits;
}

Tensor OpenText::patterns(Which which, std::size_t layer, const std::vector<std::size_t>& heads) {
  RunRequest pass = request();
  pass.hidden_states = false;
  const HookPoint point{Hook::pattern, layer};
  pass.captures = {Capture{point, std::nullopt, heads.empty() ? std::nullopt : std::optional(heads)}};
  pass.stop_at = layer + 1;
  pass.edits = edits_in(which, layer, layer + 1);
  if (layer > 0) {
    pass.start = start_from(layer, residual(which, layer));  // already includes the edits at hook_resid_pre
    std::erase_if(pass.edits, [](const HookEdit& edit) { return edit.at.hook == Hook::resid_pre; });
  }
  return std::move(session_.model().run(pass).captured.front().second);
}

std::optional<Effect> OpenText::effect_of(std::span<const float> clean, std::span<const float> edited) const {
  if (edits_.empty()) return std::nullopt;
  Effect effect;
  effect.include(clean, edited);
  effect.globs = globs_of(asked_.expressions, session_.config());
  return effect;
}

const std::optional<Effect>& OpenText::effect() {
  if (effect_ || edits_.empty()) return effect_;
  std::vector<std::size_t> all(positions());
  std::iota(all.begin(), all.end(), 0);
  const std::size_t last = session_.config().n_layers();
  const Tensor clean = logits(Which::clean, last, all), edited = logits(Which::edited, last, all);
  Effect effect;
  for (std::size_t row = 0; row < all.size(); ++row)
    effect.include<float>(clean.matrix().row_span(row), edited.matrix().row_span(row));
  effect.globs = globs_of(asked_.expressions, session_.config());
  return effect_ = std::move(effect);
}

bool OpenText::is_finite() {
  run(Which::edited);
  if (!clean_is_finite_ || (!edits_.empty() && !edited_is_finite_)) return false;
  const bool edits_logits =
      std::any_of(edits_.begin(), edits_.end(), [](const HookEdit& edit) { return edit.at.hook == Hook::unembed_out; });
  return !edits_logits || std::isfinite(effect()->kl + effect()->max_change);
}

std::size_t OpenText::bytes() const {
  std::size_t count = 0;
  for (const auto* kept : {&clean_, &edited_})
    if (*kept) count += ((*kept)->hidden_states.size() + (*kept)->last_residual.size()) * sizeof(float);
  return count;
}

}  // namespace stratoscope
