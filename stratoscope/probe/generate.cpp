#include "stratoscope/probe/generate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/model/kv_cache.h"
#include "stratoscope/model/pass/join_runs.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/probe/metrics.h"

namespace stratoscope {
namespace {

bool counts_from_the_end(const EditExpression& edit) {
  const auto relative = [](const std::optional<IndexList>& list) { return list && list->counts_from_the_end(); };
  return relative(edit.positions) || relative(edit.keys);
}

template <class T>
Run<T> run_model(const Model& model, const RunRequest& request) {
  if constexpr (std::is_same_v<T, float>)
    return model.run(request);
  else
    return model.run_reference(request);
}

// If the rotary embedding changes its angles, all keys would have to be computed again.
TextLimit limit_of(const ModelConfig& config, std::size_t prompt) {
  TextLimit limit{config.longest_text().value_or(std::numeric_limits<std::size_t>::max()), false};
  for (const BlockSpec& block : config.blocks) {
    const Rotary& rotary = block.attention.rotary;
    if (turns_alike(rotary, prompt, limit.tokens)) continue;
    const std::size_t border = *turns_change_after(rotary);
    limit = {border >= prompt ? border : prompt, true};
  }
  return limit;
}

template <class T>
class Generator {
 public:
  Generator(const Model& model, const GenerateRequest& request)
      : model_(model),
        request_(request),
        text_(request.prompt),
        limit_(limit_of(model.config(), request.prompt.size())),
        most_(std::min(limit_.tokens, request.prompt.size() + request.max_new)),
        sources_(model, request.prompt, request.corrupt, {}, request.tokenizer),
        quiet_(request.progress) {
    check();
    const bool relative = std::any_of(request.edits.begin(), request.edits.end(), counts_from_the_end);
    moving_ = relative && request.scope == EditScope::all;
    if (std::is_same_v<T, float> && !moving_) {
      cache_.emplace(model.config(), 1, most_);
      clean_cache_.emplace(model.config(), 1, most_);
    }
    sources_.prepare(request.edits, request.progress);
  }

  Generation<T> generate() {
    Sampler sampler(request_.sampling);
    bool go_on = true;
    while (go_on && generation_.tokens.size() < request_.max_new && text_.size() < limit_.tokens) {
      if (request_.progress != nullptr) request_.progress->throw_if_cancelled();
      const Run<T> run = run_rest();
      const auto logits = run.logits.matrix();
      const std::span<const T> last = logits.row_span(logits.rows - 1);
      if (!request_.edits.empty()) include_effect(last);
      const std::int32_t id = next_token(sampler, last);
      const double log_prob = static_cast<double>(last[static_cast<std::size_t>(id)]) - log_sum_exp(last);
      generation_.tokens.push_back({id, log_prob});
      text_.push_back(id);
      if (request_.progress != nullptr)
        request_.progress->update("generate", generation_.tokens.size(), request_.max_new);
      if (request_.on_token) go_on = request_.on_token(id, log_prob);
    }
    if (go_on && generation_.tokens.size() < request_.max_new) generation_.full = limit_;
    if (request_.keep) keep_everything();
    if (request_.keep && generation_.effect && has_nonfinite(generation_.run)) look_for_nonfinite();
    return std::move(generation_);
  }

 private:
  void check() const {
    if (request_.max_new == 0) throw Error("generate", "no new token is requested", "give 1 or more");
    if (request_.prompt.size() >= limit_.tokens)
      throw Error("generate", limit_.turns
                                  ? "the prompt cannot be continued: " + describe(limit_)
                                  : "the prompt fills the model's context of " + std::to_string(limit_.tokens) +
                                        " tokens: there is no room for a new one");
    const bool runs_new_rows = request_.max_new > 1 || request_.keep;
    if (!request_.edits.empty() && request_.scope == EditScope::fresh && !runs_new_rows)
      throw Error("generate", "the edits act on new tokens only, and a single new token is never run",
                  "request more, or edit the prompt too: --edit-scope all");
  }

  std::vector<HookEdit> edits_now() {
    const bool fresh = request_.scope == EditScope::fresh;
    // Of the text without the newest token, which is chosen in this step.
    sources_.set_extent({text_.size(), most_, fresh ? request_.prompt.size() : 0});
    std::vector<HookEdit> edits;
    for (const EditExpression& expression : request_.edits)
      for (HookEdit& edit : resolve_edit(expression, sources_)) edits.push_back(std::move(edit));
    return edits;
  }

  // The rows that have not been run yet, or all rows without a cache.
  RunRequest rest(std::optional<KvCache>& cache) const {
    RunRequest pass;
    const std::size_t done = cache ? cache->length(0) : 0;
    pass.sequences = {TokenIds(text_.begin() + static_cast<std::ptrdiff_t>(done), text_.end())};
    pass.cache = cache ? &*cache : nullptr;
    pass.hidden_states = false;
    pass.logits = LogitRows::last;
    pass.progress = &quiet_;
    return pass;
  }

  Run<T> run_rest() {
    RunRequest pass = rest(cache_);
    if (edits_.empty() || moving_) edits_ = edits_now();
    pass.edits = edits_;
    if (request_.keep && cache_) want_everything(pass);
    Run<T> run = run_model<T>(model_, pass);
    if (!request_.keep || !cache_) return run;
    Run<T> last;
    const auto logits = std::as_const(run.logits).matrix();
    last.row_offsets = {0, 1};
    last.logits = BasicTensor<T>({1, logits.cols});
    std::copy_n(logits.row(logits.rows - 1), logits.cols, last.logits.data());
    pieces_.push_back(std::move(run));
    return last;
  }

  void want_everything(RunRequest& pass) const {
    pass.captures = request_.captures;
    pass.hidden_states = true;
    pass.logits = LogitRows::all;
  }

  std::int32_t next_token(Sampler& sampler, std::span<const T> logits) {
    try {
      return sampler.next(logits);
    } catch (const Error&) {
      if (!generation_.effect || !generation_.effect->nonfinite) throw;
      throw Error("generate", "an edit made numbers that are not finite, first at " +
                                  describe(*generation_.effect->nonfinite) + ": there is no next token");
    }
  }

  // The run of the whole text so far.
  void look_for_nonfinite() {
    if (generation_.effect->nonfinite) return;
    RunRequest whole;
    whole.sequences = {text_};
    whole.edits = edits_;
    whole.progress = &quiet_;
    generation_.effect->nonfinite = first_nonfinite(model_, whole);
  }

  void include_effect(std::span<const T> edited) {
    const Run<T> clean = run_model<T>(model_, rest(clean_cache_));
    if (!generation_.effect) generation_.effect.emplace();
    generation_.effect->template include<T>(clean.logits.matrix().row_span(0), edited);
    if (std::isnan(generation_.effect->kl + generation_.effect->max_change)) look_for_nonfinite();
  }

  // The newest token's own row has not been run yet.
  void keep_everything() {
    if (cache_) {
      if (cache_->length(0) < text_.size()) run_rest();
      generation_.run = join_runs(pieces_, model_.config());
      return;
    }
    RunRequest pass = rest(cache_);
    pass.edits = edits_now();
    want_everything(pass);
    generation_.run = run_model<T>(model_, pass);
  }

  const Model& model_;
  const GenerateRequest& request_;
  TokenIds text_;
  TextLimit limit_;
  std::size_t most_;  // tokens
  EditSources sources_;
  mutable QuietProgress quiet_;
  bool moving_ = false;  // the edits' positions move as the text grows
  std::optional<KvCache> cache_, clean_cache_;
  std::vector<HookEdit> edits_;
  std::vector<Run<T>> pieces_;
  Generation<T> generation_;
};

}  // namespace

std::string describe(const TextLimit& limit) {
  const std::string tokens = std::to_string(limit.tokens) + " tokens";
  return limit.turns ? "beyond " + tokens + " the rotary embedding rotates every key by another angle"
                     : "the model's context of " + tokens + " is full";
}

template <class T>
Generation<T> generate(const Model& model, const GenerateRequest& request) {
  return Generator<T>(model, request).generate();
}

template Generation<float> generate(const Model&, const GenerateRequest&);
template Generation<double> generate(const Model&, const GenerateRequest&);

}  // namespace stratoscope
