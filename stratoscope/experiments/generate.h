// A text continued by the model: streamed as it grows, and kept with every position's values where that is asked.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/probe/generate.h"
#include "stratoscope/probe/sampling.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct GenerateTextRequest {
  std::string text = {};
  TextOptions text_options = {};  // `truncate` keeps the end of the text: session/continued_text.h
  Edits edits = {};
  EditScope edit_scope = EditScope::fresh;
  std::size_t max_new = 40;
  SamplingOptions sampling = {};
  std::vector<std::string> stops = {};  // the new text ends before the first of these
  bool ignore_end = false;              // go on after the end-of-text token
  std::vector<HookExpression> captures = {};
  std::optional<std::filesystem::path> file = {};  // .safetensors or .npz, as `run` writes it, of prompt and new tokens
  // Told of the new text piece by piece, in whole characters; never of a stop text, nor of what may become one.
  std::function<void(std::string_view piece)> on_text = {};
};
void describe(GenerateTextRequest& request, Fields& fields);

struct GeneratedToken {
  TokenId id = 0;
  std::string token;
  double log_prob = 0;  // nats, under the model's own distribution
};

struct GeneratedText {
  Text prompt;
  std::string text;                    // what is new, as valid UTF-8, without a stop text
  std::vector<GeneratedToken> tokens;  // every token that was made, those of a stop text too
  std::string stopped;                 // "length", "stop", "end" (an end-of-text token), "context" or "rotary"
  std::string why_full;                // where the text had no more room: what its limit is
  std::vector<std::pair<std::string, Shape>> keys;
  std::vector<GlobMatch> capture_globs;
  std::optional<std::filesystem::path> file;
  std::optional<Effect> effect;
};

// Emits "text" for each piece.
void stream(GenerateTextRequest& request, const EmitEvent& emit);
GeneratedText generate(const Session& session, const GenerateTextRequest& request);
Document to_json(const Session& session, const GeneratedText& result);
// ids and log_probs [new token].
std::vector<NamedValues> arrays_of(const GeneratedText& result);

}  // namespace stratoscope
