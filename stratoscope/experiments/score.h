// Scores of texts: the perplexity of a text or a corpus in overlapping windows, the log-likelihoods of choices, and the
// change of both by edits or from one model to another.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/corpus/choices.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct ScoreRequest {
  // One of the three.
  std::string text = {};
  std::vector<std::string> texts = {};
  std::vector<ChoiceItem> choices = {};
  TextOptions text_options = {};
  Edits edits = {};
  // Tokens in a window (0: as many as the model was trained for), and from one window's beginning to the next one's (0:
  // half a window). Each token is scored once, in the first window that has it, with at least context - stride tokens
  // before it, or all of the text before it.
  std::size_t context = 0, stride = 0;
  std::optional<std::string> against = {};           // a second model with the same tokens, instead of edits
  std::optional<std::filesystem::path> resume = {};  // a journal: saves finished windows and reuses them
};
void describe(ScoreRequest& request, Fields& fields);

// Sums over scored tokens.
struct ScoreSum {
  std::size_t tokens = 0, bytes = 0;
  double nats = 0;  // -log p
  // With edits or a second model: the clean run's or the second model's nats, and the divergences: KL(clean || edited),
  // or KL(model || second model).
  double other_nats = 0, kl = 0;
  // Each is NaN without tokens, or without bytes.
  double mean_loss() const { return nats / static_cast<double>(tokens); }
  double other_mean_loss() const { return other_nats / static_cast<double>(tokens); }
  double mean_kl() const { return kl / static_cast<double>(tokens); }
  void add(const ScoreSum& more);
};
// nats / ln 2 / bytes, and exp(nats / tokens).
double bits_per_byte(double nats, std::size_t bytes);
double perplexity(double nats, std::size_t tokens);

// One token's score.
struct TokenScore {
  double nats = 0, other_nats = 0, kl = 0;
  std::size_t before = 0;  // number of tokens before it in its window
};

struct ScoredText {
  ScoreSum sum = {};
  std::vector<TokenScore> tokens = {};  // from the second token on: nothing predicts the first
};

struct ScoredChoice {
  ScoreSum sum = {};
  std::size_t choice_bytes = 0;  // of the choice as given, without a space that joins it to the text
};

// How choices of different lengths are compared.
enum class ChoiceNorm { sum, per_token, per_byte };
inline constexpr ChoiceNorm kChoiceNorms[] = {ChoiceNorm::sum, ChoiceNorm::per_token, ChoiceNorm::per_byte};
std::string_view name_of(ChoiceNorm norm);  // "per_token"

struct ScoredItem {
  std::vector<ScoredChoice> choices = {};
  std::optional<std::size_t> label = {};
  // The choice of the highest log-likelihood, the first of equal ones. `other`: in the clean run or the second model.
  std::size_t best(ChoiceNorm norm, bool other = false) const;
};

struct Scores {
  std::size_t context = 0, stride = 0;  // 0 for choices
  std::vector<ScoredText> texts = {};   // or
  std::vector<ScoredItem> items = {};
  ScoreSum total = {};                      // of all texts or all choices
  bool has_other = false;                   // edits or a second model
  std::optional<std::string> against = {};  // the second model's name
  std::optional<Effect> effect = {};
  std::vector<std::string> warnings = {};

  std::size_t labelled() const;
  // The share of labelled items whose best choice is the right one; NaN without labels. And of guesses.
  double accuracy(ChoiceNorm norm, bool other = false) const;
  double chance() const;
};

// Throws UsageError for a text, texts and choices together, and for edits with a second model.
void check(const ScoreRequest& request);
Scores score(const Session& session, const ScoreRequest& request);
Document to_json(const Session& session, const Scores& scores);
// Of texts: nats [token] of all texts one after another, and with edits or a second model other_nats and kl;
// row_offsets [text + 1]. Of choices: log_probs, tokens and bytes [item, choice], NaN and 0 where an item has fewer;
// and other_log_probs.
std::vector<NamedValues> arrays_of(const Scores& scores);
// The mean loss by the number of tokens before, and the texts' bits per byte; or accuracies and margins of choices.
Figure figure_of(const Scores& scores);

}  // namespace stratoscope
