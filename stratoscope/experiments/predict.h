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

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct PredictRequest {
  std::string text = {};
  TextOptions text_options = {};
  Edits edits = {};
  std::size_t top = 10;
  Index position = -1;
  bool all = false;  // also every token's surprisal
};
void describe(PredictRequest& request, Fields& fields);

struct Prediction {
  TokenId id = 0;
  std::string token;
  double logit = 0, log_prob = 0, prob = 0;
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
  double mean_loss = 0;  // mean of the surprisals, in nats
  std::optional<Effect> effect;
};

// The `top` largest of one row of logits in falling order, ties by lower id.
template <class T>
STRATOSCOPE_API std::vector<Prediction> likeliest(const Session& session, std::span<const T> logits, std::size_t top);

Predictions predict(const Session& session, const PredictRequest& request);
Document to_json(const Session& session, const Predictions& result);
// ids, logits, log_probs and probs of the listed tokens; surprisals [pos - 1] if they are requested.
std::vector<NamedValues> arrays_of(const Predictions& result);
// The likeliest tokens as bars; if there are surprisals, these instead.
Figure figure_of(const Predictions& result);

}  // namespace stratoscope
