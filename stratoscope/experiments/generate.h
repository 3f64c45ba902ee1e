// A text continued by the model: streamed as it grows, and on request saved with the values of every position.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/probe/generate.h"
#include "stratoscope/probe/sampling.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct GeneratedToken {
  TokenId id = 0;
  std::string token;
  double log_prob = 0;  // nats, under the model's own distribution
};

struct GenerateTextRequest {
  TextInput text = {};
  TextOptions text_options = {};  // `truncate` keeps the end of the text: session/continued_text.h
  Edits edits = {};
  EditScope edit_scope = EditScope::fresh;
  std::size_t max_new = 40;
  SamplingOptions sampling = {};
  std::vector<std::string> stops = {};  // the new text ends before the first of these
  bool ignore_end = false;              // continue after the end-of-text token
  std::size_t samples = 1;              // continuations, with the seeds from sampling.seed on
  std::vector<HookExpression> captures = {};
  std::optional<std::filesystem::path> file = {};  // .safetensors or .npz as in `run`, of prompt and new tokens
  // Called with each piece of new text, in whole characters; without a stop text and without a possible beginning of
  // one. Of several continuations only for the first.
  std::function<void(std::string_view piece)> on_text = {};
  // Called with each new token, before its text, likewise.
  std::function<void(const GeneratedToken& token)> on_token = {};
};
void describe(GenerateTextRequest& request, Fields& fields);

struct GeneratedSample {
  std::uint64_t seed = 0;
  std::string text, stopped;  // as in GeneratedText
  std::vector<GeneratedToken> tokens;
  std::size_t shared = 0;  // the number of first tokens that are those of the first sample

  double log_prob() const;  // of all tokens together, nats
};

struct GeneratedText {
  Text prompt;
  std::string text;                    // the new text as valid UTF-8, without a stop text
  std::vector<GeneratedToken> tokens;  // all generated tokens, including those of a stop text
  std::string stopped;                 // "length", "stop", "end" (an end-of-text token), "context" or "rotary"
  std::string why_full;                // the limit that was reached, if the text has no more room
  std::vector<std::pair<std::string, Shape>> keys;
  std::vector<GlobMatch> capture_globs;
  std::optional<std::filesystem::path> file;
  std::vector<GeneratedSample> samples;  // if several are requested: all of them; the members above are of the first
  std::optional<Effect> effect;
};

// Throws UsageError for several samples that would be equal, or would be saved in one file.
void check(const GenerateTextRequest& request);

// Emits "token" for each new token, as in the document's list, and "text" for each piece.
void stream(GenerateTextRequest& request, const EmitEvent& emit);
GeneratedText generate(const Session& session, const GenerateTextRequest& request);
Document to_json(const Session& session, const GeneratedText& result);
// ids and log_probs [new token]; of several samples also sample_ids and sample_log_probs [sample, new token], filled up
// with -1 and NaN.
std::vector<NamedValues> arrays_of(const GeneratedText& result);
// The text of each sample, coloured by the surprisal of the new tokens.
Figure figure_of(const GeneratedText& result);

}  // namespace stratoscope
