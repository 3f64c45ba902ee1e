// The predicted next tokens: the likeliest ones at a position, and the surprisal of each token of the text.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/target.h"

namespace stratoscope {
class Fields;
class OpenText;
}  // namespace stratoscope

namespace STRATOSCOPE_API stratoscope {

struct PredictRequest {
  std::string text = {};
  TextOptions text_options = {};
  Edits edits = {};
  std::size_t top = 10;
  Index position = -1;
  bool all = false;                        // also every token's surprisal
  std::vector<TargetChoice> targets = {};  // tokens whose predictions are listed however unlikely they are
  bool compare = false;                    // also the clean run's predictions, and the entropies
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
  std::optional<Odds> clean = {};  // of the clean run, in a comparison
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
// ids, logits, log_probs and probs of the listed tokens; surprisals [pos - 1] if they are requested; of a
// comparison also clean_log_probs.
std::vector<NamedValues> arrays_of(const Predictions& result);
// The likeliest tokens as bars; if there are surprisals, the text coloured by them.
Figure figure_of(const Predictions& result);

}  // namespace stratoscope
