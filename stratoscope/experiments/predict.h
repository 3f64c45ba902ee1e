// The predicted next tokens: the likeliest ones at a position, and the surprisal of each token of the text.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/target.h"

namespace stratoscope {
class Fields;
class OpenText;
}  // namespace stratoscope

namespace STRATOSCOPE_API stratoscope {

enum class PredictionView { top, distribution, temperatures };
inline constexpr Choice<PredictionView> kPredictionViews[] = {{PredictionView::top, "top"},
                                                              {PredictionView::distribution, "distribution"},
                                                              {PredictionView::temperatures, "temperatures"}};
constexpr std::span<const Choice<PredictionView>> choices_of(PredictionView) { return kPredictionViews; }

struct PredictRequest {
  TextInput text = {};
  TextOptions text_options = {};
  Edits edits = {};
  std::size_t top = 10;
  Index position = -1;
  bool all = false;                           // also every token's surprisal
  std::vector<TargetChoice> targets = {};     // tokens whose predictions are listed however unlikely they are
  bool compare = false;                       // also the clean run's predictions, and the entropies
  std::vector<double> temperatures = {};      // also the listed tokens' probabilities at these; above 0
  PredictionView draw = PredictionView::top;  // of a figure
};
void describe(PredictRequest& request, Fields& fields);

// How likely a token is.
struct Odds {
  double logit = 0, log_prob = 0, prob = 0;
};

struct Prediction {
  TokenId id = 0;
  std::string token;
  double logit = 0, log_prob = 0, prob = 0;
  double rank = 0;                 // the number of tokens before it; NaN if its logit is
  std::optional<Odds> clean = {};  // of the clean run, in a comparison
};

// The softmax of the logits divided by a temperature.
struct TemperedPredictions {
  double temperature = 1, entropy = 0;  // nats
  std::vector<double> top, targets;     // probabilities of the listed tokens
};

struct Surprisal {
  std::size_t index = 0;  // of the token that followed; token 0 has no surprisal
  TokenId id = 0;
  std::string token;
  double nats = 0;  // -log p(token | those before)
};

struct Predictions {
  Text text;
  std::size_t position = 0;
  std::vector<Prediction> top;  // falling, ties by lower id
  bool all = false;             // whether surprisals were requested; a single token has none
  std::vector<Surprisal> surprisals;
  double mean_loss = 0;                // mean of the surprisals, in nats
  std::vector<Target> targets;         // as they were asked
  std::vector<Prediction> target_top;  // of each
  std::vector<TemperedPredictions> tempered;
  std::vector<double> logits;  // [d_vocab], for a figure of the distribution
  // Of a comparison.
  std::optional<double> entropy, clean_entropy;  // nats; clean_entropy where there are edits
  std::vector<Prediction> clean_top;             // the clean run's likeliest, where there are edits
  std::optional<Effect> effect;
};

// The `top` largest of one row of logits in falling order, ties by lower id.
template <class T>
STRATOSCOPE_API std::vector<Prediction> likeliest(const Session& session, std::span<const T> logits, std::size_t top);
// With their known log_sum_exp().
template <class T>
STRATOSCOPE_API std::vector<Prediction> likeliest(const Session& session, std::span<const T> logits, std::size_t top,
                                                  double log_sum_exp);

Predictions predict(const Session& session, const PredictRequest& request);
bool can_open(const PredictRequest& request);
// The text and the edits are those of `open`.
Predictions read_open(OpenText& open, const PredictRequest& request);
// Targets of several tokens, of which only one is read.
std::vector<std::string> warnings_of(const Predictions& result);
Document to_json(const Session& session, const Predictions& result);
// ids, logits, log_probs and probs of the listed tokens; surprisals [pos - 1] if they are requested; tempered_probs
// [temperature, token]; of a comparison also clean_log_probs.
std::vector<NamedValues> arrays_of(const Predictions& result);
// The likeliest tokens as bars, or if there are surprisals the text coloured by them; the whole distribution by rank,
// with the targets; or the likeliest tokens at several temperatures, 0.5, 1 and 2 if none are requested.
Figure figure_of(const Predictions& result, PredictionView view = PredictionView::top);
Figure figure_of(const Predictions& result, const PredictRequest& request);

}  // namespace stratoscope
