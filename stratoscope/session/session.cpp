#include "stratoscope/session/session.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/remedy.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/session/alignment.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

constexpr std::pair<Precision, std::string_view> kPrecisions[] = {
    {Precision::fp32, "fp32"}, {Precision::bf16, "bf16"}, {Precision::fp64, "fp64"}};

std::string number_of_tokens(const Text& text) { return std::to_string(text.ids.size()) + " tokens"; }

void truncate_text(Text& text, std::size_t limit) {
  text.notes.push_back("the text was cut from " + std::to_string(text.ids.size()) + " to " + std::to_string(limit) +
                       " tokens, the model's context");
  text.ids.resize(limit);
  text.tokens.resize(limit);
  text.offsets.resize(limit);
  text.after = 0;
  text.text.resize(text.offsets.back().second);
}

void check_length(Text& text, const ModelConfig& config, bool truncate) {
  if (text.ids.size() <= config.n_ctx) return;
  if (truncate) return truncate_text(text, config.n_ctx);
  if (config.longest_text())
    throw Error("text",
                "has " + number_of_tokens(text) + ", more than the model's context of " + std::to_string(config.n_ctx),
                "--truncate cuts it there");
  text.notes.push_back("the text has " + number_of_tokens(text) + ", more than the " + std::to_string(config.n_ctx) +
                       " that the model was made for");
}

bool has_row(const ModelConfig& config, TokenId id) { return id >= 0 && static_cast<std::size_t>(id) < config.d_vocab; }

void check_rows(const Session& session, const TokenIds& ids) {
  for (const TokenId id : ids)
    if (!has_row(session.config(), id))
      throw Error("text",
                  "holds the token " + in_quotes(session.token_text(id)) + " (id " + std::to_string(id) +
                      "), for which the weights have no row",
                  "the model has " + std::to_string(session.config().d_vocab) + " tokens; leave this one out");
}

void repeat(Text& text) {
  const std::size_t count = text.ids.size(), size = text.text.size();
  for (std::size_t i = 0; i < count; ++i) {
    text.ids.push_back(text.ids[i]);
    text.offsets.emplace_back(text.offsets[i].first + size, text.offsets[i].second + size);
  }
  text.text += std::string(text.text);
}

// The end-of-text tokens of the model's files; if these have none, those of the tokenizer.
std::vector<TokenId> end_tokens_of(const ModelConfig& config, const Tokenizer& tokenizer) {
  std::vector<TokenId> ids;
  for (const std::size_t id : config.eos_token_ids)
    if (id < config.d_vocab) ids.push_back(static_cast<TokenId>(id));
  const auto end = tokenizer.end_of_text();
  if (ids.empty() && end && has_row(config, *end)) ids.push_back(*end);
  return ids;
}

template <class T>
Effect effect_of(const Run<T>& clean, const Run<T>& edited, std::optional<std::size_t> row) {
  Effect effect;
  const auto before = clean.logits.matrix(), after = edited.logits.matrix();
  const bool one = row && before.rows > 1;
  for (std::size_t r = one ? *row : 0; r < (one ? *row + 1 : before.rows); ++r)
    effect.include<T>(before.row_span(r), after.row_span(r));
  return effect;
}

Text as_text(const Session& session, const TokenIds& ids) {
  Text text;
  text.ids = ids;
  for (const TokenId id : ids) text.tokens.push_back(session.token_text(id));
  return text;
}

template <class T, class RunModel>
EditedRun run_in(const Model& model, RunRequest& request, std::vector<HookEdit> edits,
                 std::optional<std::size_t> effect_row, const RunModel& run_model) {
  if (edits.empty()) return {run_model(request), std::nullopt};
  RunRequest clean_request = request;
  clean_request.captures.clear();
  clean_request.hidden_states = false;
  if (request.logits == LogitRows::none) request.logits = LogitRows::all;
  clean_request.logits = request.logits;
  const Run<T> clean = run_model(clean_request);
  request.edits = std::move(edits);
  request.hidden_states = true;  // so that every position can be checked
  capture_edited_points(request);
  Run<T> edited = run_model(request);
  Effect effect = effect_of(clean, edited, effect_row);
  effect.nonfinite = find_nonfinite(model, request, edited);
  return {std::move(edited), effect};
}

}  // namespace

void capture_edited_points(RunRequest& request) {
  for (const HookEdit& edit : request.edits)
    if (edit.at.hook != Hook::unembed_out &&
        std::none_of(request.captures.begin(), request.captures.end(),
                     [&](const Capture& capture) { return capture.at == edit.at; }))
      request.captures.push_back({edit.at, std::nullopt, std::nullopt});
}

Precision parse_precision(std::string_view name) {
  for (const auto& [precision, its_name] : kPrecisions)
    if (name == its_name) return precision;
  if (const std::string why = why_gone(name); !why.empty()) throw Error("precision", why);
  throw Error("precision", "there is no " + in_quotes(name), "there are fp32, bf16 and fp64");
}

std::string why_gone(std::string_view precision) {
  if (precision != "bf16x3") return "";
  return "bf16x3 was removed: fp32 is faster and more exact on every processor measured; use fp32 or bf16";
}

std::string_view name_of(Precision precision) {
  for (const auto& [known, name] : kPrecisions)
    if (known == precision) return name;
  return "";
}

struct Session::LazyModel {
  std::mutex mutex;
  std::optional<Model> model;
  std::once_flag hashed;
  std::string hash;                       // of the checkpoint
  std::atomic<std::thread::id> loader{};  // the thread that loads it

  struct Loading {
    explicit Loading(LazyModel& lazy_model) : lazy(lazy_model) { lazy.loader = std::this_thread::get_id(); }
    ~Loading() { lazy.loader = std::thread::id(); }
    Loading(const Loading&) = delete;
    Loading& operator=(const Loading&) = delete;
    LazyModel& lazy;
  };
};

Session::Session(const SessionOptions& options)
    : options_(options),
      location_(find_model(options.model)),
      config_(reading(location_, [&] { return read_model_config(location_.folder); })),
      checkpoint_(reading(location_, [&] { return std::make_shared<const Checkpoint>(location_.folder, config_); })),
      tokenizer_(
          reading(location_, [&] { return std::make_shared<const Tokenizer>(Tokenizer::load(location_.folder)); })),
      end_tokens_(std::make_shared<const std::vector<TokenId>>(end_tokens_of(config_, *tokenizer_))),
      model_(std::make_shared<LazyModel>()) {}

Session::Session(SessionOptions options, ModelLocation location, ModelConfig config,
                 std::shared_ptr<const Checkpoint> checkpoint, std::shared_ptr<const Tokenizer> tokenizer,
                 std::shared_ptr<const std::vector<TokenId>> end_tokens)
    : options_(options),
      location_(std::move(location)),
      config_(std::move(config)),
      checkpoint_(std::move(checkpoint)),
      tokenizer_(std::move(tokenizer)),
      end_tokens_(std::move(end_tokens)),
      model_(std::make_shared<LazyModel>()) {}

std::string Session::model_hash() const {
  std::call_once(model_->hashed, [this] { model_->hash = checkpoint_->fingerprint(); });
  checkpoint_->check_unchanged();
  return model_->hash;
}

const Model& Session::model() const {
  if (model_->loader == std::this_thread::get_id())
    throw Error("model", "is being loaded by the work that this Progress belongs to", "use it afterwards");
  const std::lock_guard one_loads(model_->mutex);
  if (!model_->model) {
    const LazyModel::Loading loading(*model_);
    model_->model.emplace(config_, checkpoint_, ModelOptions{options_.precision, options_.threads, options_.progress});
  }
  return *model_->model;
}

bool Session::model_is_loaded() const {
  if (model_->loader == std::this_thread::get_id()) return false;
  const std::lock_guard one_loads(model_->mutex);
  return model_->model.has_value();
}

Session Session::with_progress(Progress* progress) const {
  Session same = *this;
  same.options_.progress = progress;
  return same;
}

Session Session::in_precision(Precision precision) const {
  SessionOptions options = options_;
  options.precision = precision;
  return {options, location_, config_, checkpoint_, tokenizer_, end_tokens_};
}

std::optional<TokenId> Session::beginning_of_text() const {
  if (const auto named = tokenizer_->named_beginning(); named && has_row(config_, *named)) return named;
  if (config_.bos_token_id && *config_.bos_token_id < config_.d_vocab)
    return static_cast<TokenId>(*config_.bos_token_id);
  const auto usual = tokenizer_->end_of_text();
  return usual && has_row(config_, *usual) ? usual : std::nullopt;
}

std::pair<TokenIds, TokenIds> Session::added_tokens(AddedTokens added) const {
  if (added == AddedTokens::none) return {};
  std::pair<TokenIds, TokenIds> tokens{tokenizer_->added_before(), tokenizer_->added_after()};
  std::erase_if(tokens.first, [&](TokenId id) { return !has_row(config_, id); });
  std::erase_if(tokens.second, [&](TokenId id) { return !has_row(config_, id); });
  if (added == AddedTokens::usual || !tokens.first.empty()) return tokens;
  const auto beginning = beginning_of_text();
  if (!beginning) throw Error("text", "the model's vocabulary has no beginning-of-text token", "leave out --bos");
  tokens.first = {*beginning};
  return tokens;
}

void Session::add_around(Text& text, const std::pair<TokenIds, TokenIds>& added) const {
  const auto& [before, after] = added;
  const auto end = std::pair(text.text.size(), text.text.size());
  text.ids.insert(text.ids.begin(), before.begin(), before.end());
  text.offsets.insert(text.offsets.begin(), before.size(), {0, 0});
  text.ids.insert(text.ids.end(), after.begin(), after.end());
  text.offsets.insert(text.offsets.end(), after.size(), end);
  text.before = before.size(), text.after = after.size();
  if (before.size() == 1)
    text.notes.push_back("the beginning-of-text token " + token_text(before[0]) + " was put first, as token 0");
  else if (!before.empty())
    text.notes.push_back(std::to_string(before.size()) + " tokens were put first, from " + token_text(before[0]) +
                         " on");
  if (!after.empty()) text.notes.push_back("the token " + token_text(after[0]) + " was put last");
}

std::vector<std::string> Session::notes() const {
  std::vector<std::string> notes = tokenizer_->notes();
  std::size_t beyond = 0;
  std::string example;
  for (std::size_t id = config_.d_vocab; id < tokenizer_->vocab_size(); ++id) {
    const auto token = static_cast<TokenId>(id);
    if (!tokenizer_->contains(token)) continue;
    if (beyond++ == 0) example = in_quotes(tokenizer_->token_text(token)) + " (id " + std::to_string(id) + ")";
  }
  if (beyond > 0)
    notes.push_back(std::to_string(beyond) + (beyond == 1 ? " token" : " tokens") +
                    " of the vocabulary without a row in the weights, such as " + example +
                    ": a text that contains it is refused");
  return notes;
}

TokenIds Session::ids_of(std::string_view text) const {
  TokenIds ids = tokenizer_->encode_continuation(text).ids;
  check_rows(*this, ids);
  return ids;
}

Text Session::encoded(const std::string& bytes) const {
  Text text{bytes, {}, {}, {}, {}, 0, 0};
  Encoding encoding = tokenizer_->encode(bytes);
  text.ids = std::move(encoding.ids);
  text.offsets = std::move(encoding.offsets);
  return text;
}

Text Session::decoded(const TokenIds& ids) const {
  std::string bytes;
  for (const TokenId id : ids) bytes += token_bytes(id);
  const bool is_text = find_invalid_utf8(bytes) == bytes.size();
  Text text{{}, ids, {}, {}, {}, 0, 0};
  for (const TokenId id : ids) {
    const std::size_t begin = text.text.size();
    text.text += is_text ? token_bytes(id) : token_text(id);
    text.offsets.emplace_back(begin, text.text.size());
  }
  return text;
}

Text Session::read(const TextInput& input, const TextOptions& options) const {
  const bool is_ids = !input.ids.empty();
  if (is_ids && !input.empty()) throw UsageError("text", "a text and token ids exclude each other");
  if (is_ids && options.added == AddedTokens::beginning)
    throw UsageError("ids", "are read as they are, and a beginning-of-text token belongs to a text",
                     "put it among the ids");
  if (is_ids) check_rows(*this, input.ids);
  Text text = is_ids ? decoded(input.ids) : encoded(input);
  if (!is_ids) check_rows(*this, text.ids);
  if (options.repeat) repeat(text);
  if (!is_ids) add_around(text, added_tokens(options.added));
  for (const TokenId id : text.ids) text.tokens.push_back(token_text(id));
  if (options.check_context) {
    if (text.ids.empty()) throw Error("text", "is empty", "give at least one character, or --bos");
    check_length(text, config_, options.truncate);
  }
  return text;
}

std::string Session::token_text(TokenId id) const {
  return tokenizer_->contains(id) ? tokenizer_->token_text(id) : "[" + std::to_string(id) + "]";
}

std::string Session::token_bytes(TokenId id) const {
  return tokenizer_->contains(id) ? tokenizer_->token_bytes(id) : token_text(id);
}

EditResolver::EditResolver(const Session& session, const Edits& edits, const TextOptions& options)
    : session_(session), expressions_(edits.expressions) {
  check_corrupt_is_read(expressions_, edits.corrupt_text.has_value());
  if (expressions_.empty()) return;
  if (edits.corrupt_text) corrupt_ = session.read(*edits.corrupt_text, options).ids;
  sources_.emplace(session.model(), TokenIds{}, corrupt_, nullptr, &session.tokenizer());
}

void EditResolver::check(const TokenIds& text) {
  if (empty()) return;
  sources_->set_text(text);
  try {
    for (const EditExpression& expression : expressions_) check_edit_of_text(expression, *sources_);
  } catch (LengthMismatch& mismatch) {
    mismatch.set_details(side_by_side(as_text(session_, text), as_text(session_, corrupt_)));
    throw;
  }
}

std::vector<HookEdit> EditResolver::resolve(const TokenIds& text, std::size_t sequence,
                                            const std::shared_ptr<const Start>& start) {
  std::vector<HookEdit> point_edits;
  if (empty()) return point_edits;
  sources_->set_text(text, start);
  QuietProgress quiet(session_.progress());
  sources_->prepare(expressions_, &quiet);
  try {
    for (const EditExpression& expression : expressions_)
      for (HookEdit& edit : resolve_edit(expression, *sources_, sequence)) point_edits.push_back(std::move(edit));
  } catch (LengthMismatch& mismatch) {
    mismatch.set_details(side_by_side(as_text(session_, text), as_text(session_, corrupt_)));
    throw;
  }
  return point_edits;
}

std::vector<HookEdit> resolve_edits(const Session& session, const Text& text, const Edits& edits,
                                    const TextOptions& options, std::size_t sequence) {
  return EditResolver(session, edits, options).resolve(text.ids, sequence);
}

EditedRun run_text(const Session& session, const Text& text, const Edits& edits, RunRequest request,
                   const TextOptions& options, std::optional<std::size_t> effect_row) {
  const Model& model = session.model();
  request.sequences = {text.ids};
  request.progress = session.progress();
  std::vector<HookEdit> point_edits = resolve_edits(session, text, edits, options);
  EditedRun result = model.precision() == Precision::fp64
                         ? run_in<double>(model, request, std::move(point_edits), effect_row,
                                          [&](const RunRequest& r) { return model.run_reference(r); })
                         : run_in<float>(model, request, std::move(point_edits), effect_row,
                                         [&](const RunRequest& r) { return model.run(r); });
  if (result.effect) result.effect->globs = globs_of(edits.expressions, model.config());
  return result;
}

std::vector<std::string> warnings_of(const Session& session) {
  std::vector<std::string> warnings = session.notes();
  if (session.model_is_loaded()) {
    const auto& more = session.model().warnings();
    warnings.insert(warnings.end(), more.begin(), more.end());
  }
  return warnings;
}

std::string effect_warning(const Effect& effect, const ModelConfig& config, const std::vector<EditExpression>& edits,
                           std::size_t texts) {
  constexpr double kNearlyNothing = 1e-6;
  if (effect.nonfinite)
    return "an edit made numbers that are not finite, first at " + describe(*effect.nonfinite, texts);
  if (std::isnan(effect.kl + effect.max_change)) return "the edited logits are not finite";
  if (effect.kl >= kNearlyNothing) return {};
  const bool cancelled = std::any_of(edits.begin(), edits.end(),
                                     [&](const EditExpression& edit) { return cancelled_by_final_norm(edit, config); });
  return std::string("the edit moved the prediction by next to nothing") +
         (cancelled ? ": the final norm cancels a scaling of the last block's output" : "");
}

}  // namespace stratoscope
