// The basis of every experiment: a model found by name, its tokenizer, and texts converted to tokens.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/hub/find_model.h"
#include "stratoscope/model/model.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/probe/effect.h"
#include "stratoscope/text/tokenizer.h"

namespace STRATOSCOPE_API stratoscope {

struct SessionOptions {
  std::string model = kBuiltInModel;  // a name or a folder
  Precision precision = Precision::fp32;
  int threads = 0;
  Progress* progress = nullptr;
};

// Throws Error for an unknown name, and for a precision that was removed.
Precision parse_precision(std::string_view name);
// An error text that names the replacement of a removed precision; empty for every other name.
std::string why_gone(std::string_view precision);
std::string_view name_of(Precision precision);

// The tokens that are added around a text's own tokens.
enum class AddedTokens {
  usual,      // the ones of the checkpoint's tokenizer, as in Hugging Face's tokenizer(text)
  beginning,  // the beginning-of-text token first, even if that is not usual
  none,
};

// A text and its tokens. Added tokens have no bytes: their offsets are [0, 0), or the text's end twice.
struct Text {
  std::string text;
  TokenIds ids;
  std::vector<std::string> tokens;  // as valid UTF-8
  std::vector<std::pair<std::size_t, std::size_t>> offsets;
  std::vector<std::string> notes;     // tokens that were added or cut, for the user
  std::size_t before = 0, after = 0;  // numbers of added tokens
};

// A text as it is written, or as token ids in its place.
struct TextInput : std::string {
  TextInput() = default;
  TextInput(const char* written) : std::string(written) {}             // NOLINT(google-explicit-constructor)
  TextInput(std::string written) : std::string(std::move(written)) {}  // NOLINT(google-explicit-constructor)
  TextInput(std::string_view written) : std::string(written) {}        // NOLINT(google-explicit-constructor)
  TextInput(TokenIds tokens) : ids(std::move(tokens)) {}               // NOLINT(google-explicit-constructor)

  TokenIds ids = {};  // no tokens are added to them
};

struct TextOptions {
  AddedTokens added = AddedTokens::usual;
  bool truncate = false;      // cut after the number of tokens that the model was trained for
  bool check_context = true;  // refuse (or truncate) a text too long to be read, note one longer than in training
  bool repeat = false;        // its tokens twice in a row; tokenising the doubled text could join words at the seam

  bool operator==(const TextOptions&) const = default;
};

// Immutable except for the weights, which the first use loads: every method is safe to call from several threads at
// once. So are the experiments without a Progress; with one, only one may run at a time: with_progress() gives each its
// own. A copy shares everything.
class Session {
 public:
  // Opens the model's files; the weights are loaded when the model is first needed.
  explicit Session(const SessionOptions& options);

  const std::string& model_name() const { return location_.name; }
  const std::filesystem::path& folder() const { return location_.folder; }
  // Computed at the first call. Throws Error if a file of the weights was changed since it was opened.
  std::string model_hash() const;
  const ModelConfig& config() const { return config_; }
  const Checkpoint& checkpoint() const { return *checkpoint_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  int threads() const { return options_.threads; }
  Precision precision() const { return options_.precision; }
  Progress* progress() const { return options_.progress; }
  const Model& model() const;
  // The same model in another precision.
  Session in_precision(Precision precision) const;
  // The same model, loaded once for both, whose work reports to another Progress; null for none.
  Session with_progress(Progress* progress) const;
  bool model_is_loaded() const;

  // The token that begins a text on request, and the tokens that end a generated text: from the checkpoint's files, the
  // tokenizer's first for the beginning, the model's first for the end.
  std::optional<TokenId> beginning_of_text() const;
  const std::vector<TokenId>& end_tokens() const { return *end_tokens_; }
  // The tokens that are added before and after a text. Throws Error if there is no beginning-of-text token.
  std::pair<TokenIds, TokenIds> added_tokens(AddedTokens added) const;
  // Notes on the tokenizer, for the user.
  std::vector<std::string> notes() const;

  // Throws Error for invalid UTF-8, an empty text, a text that is longer than the model can read, and a token for which
  // the model has no row; UsageError for a text beside ids, and ids with a beginning-of-text token asked for. The text
  // of ids is that of their bytes; bytes that are no UTF-8 are shown by U+FFFD.
  Text read(const TextInput& input, const TextOptions& options = {}) const;
  // The ids of a text that continues another one, such as a target. Throws Error as above.
  TokenIds ids_of(std::string_view text) const;
  // A token's text; "[id]" for an id that the model has and the tokenizer does not.
  std::string token_text(TokenId id) const;
  std::string token_bytes(TokenId id) const;

 private:
  Text encoded(const std::string& bytes) const;
  Text decoded(const TokenIds& ids) const;
  void add_around(Text& text, const std::pair<TokenIds, TokenIds>& added) const;

  struct LazyModel;
  Session(SessionOptions options, ModelLocation location, ModelConfig config,
          std::shared_ptr<const Checkpoint> checkpoint, std::shared_ptr<const Tokenizer> tokenizer,
          std::shared_ptr<const std::vector<TokenId>> end_tokens);

  SessionOptions options_;
  ModelLocation location_;
  ModelConfig config_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<const std::vector<TokenId>> end_tokens_;
  std::shared_ptr<LazyModel> model_;
};

// A run in the session's precision.
using AnyRun = std::variant<Run<float>, Run<double>>;

// The edits of a run from which an experiment reads its result.
struct Edits {
  std::vector<EditExpression> expressions = {};
  std::optional<std::string> corrupt_text = {};

  bool operator==(const Edits&) const = default;
};

// Resolves the edits for one text after another; operands that do not depend on the text are read once.
class EditResolver {
 public:
  // Throws Error for edits that are wrong for every text. The session must outlive this object.
  EditResolver(const Session& session, const Edits& edits, const TextOptions& options = {});

  bool empty() const { return expressions_.empty(); }
  const std::vector<EditExpression>& expressions() const { return expressions_; }
  // Throws the errors of resolve() for indices and lengths of this text, without a run.
  void check(const TokenIds& text);
  // For sequence `sequence` of a request; runs the model if the edits read other runs. With `start` the text's clean
  // run begins there. Throws Error; for texts of different lengths with both tokenisations in its details.
  std::vector<HookEdit> resolve(const TokenIds& text, std::size_t sequence = 0,
                                const std::shared_ptr<const Start>& start = {});

 private:
  const Session& session_;
  std::vector<EditExpression> expressions_;
  TokenIds corrupt_;
  std::optional<EditSources> sources_;  // if there are edits
};

// The same for one text: the edits for sequence `sequence` of a request; runs the model if they read other runs. Throws
// Error; for texts of different lengths with both tokenisations in its details.
std::vector<HookEdit> resolve_edits(const Session& session, const Text& text, const Edits& edits,
                                    const TextOptions& options = {}, std::size_t sequence = 0);

// Captures also the edited hook points, since an infinity does not always reach the logits. Logits are checked anyway.
void capture_edited_points(RunRequest& request);

struct EditedRun {
  AnyRun run;
  std::optional<Effect> effect;  // if edits were given
};

// The place where the edits of `request`, whose result is `edited`, first made a number that is not finite.
template <class T>
std::optional<NonfinitePlace> find_nonfinite(const Model& model, const RunRequest& request, const Run<T>& edited) {
  return has_nonfinite(edited) ? first_nonfinite(model, request) : std::nullopt;
}

// Runs the text with the edits, and if there are any also without them, to measure their effect at `effect_row`, or at
// every position if it is empty. Fills in the request's sequences, edits and progress. The run may have more captures
// than requested: the edited hook points.
EditedRun run_text(const Session& session, const Text& text, const Edits& edits, RunRequest request,
                   const TextOptions& options = {}, std::optional<std::size_t> effect_row = std::nullopt);

// A warning of numbers that an edit made and that are not finite, or of an effect near zero with its likely reason;
// otherwise empty. `texts` is the number of texts that were run.
std::string effect_warning(const Effect& effect, const ModelConfig& config, const std::vector<EditExpression>& edits,
                           std::size_t texts = 1);

// The tokenizer's notes, and the warnings of the checkpoint if the model is loaded.
std::vector<std::string> warnings_of(const Session& session);

}  // namespace stratoscope
