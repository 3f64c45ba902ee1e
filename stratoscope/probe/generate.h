// A text continued token by token, with edits, and with the values of every position kept on the way.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/model/model.h"
#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/probe/effect.h"
#include "stratoscope/probe/sampling.h"

namespace STRATOSCOPE_API stratoscope {

// Where edits act while a text grows.
enum class EditScope {
  fresh,  // "new": on the rows of generated tokens alone; the prompt is as it was
  all,    // on every row, as if the whole text so far were run with the edits at each step
};

inline constexpr Choice<EditScope> kEditScopes[] = {{EditScope::fresh, "new"}, {EditScope::all, "all"}};
constexpr std::span<const Choice<EditScope>> choices_of(EditScope) { return kEditScopes; }

struct GenerateRequest {
  TokenIds prompt = {};
  TokenIds corrupt = {};  // of --corrupt; empty where none was given
  std::vector<EditExpression> edits = {};
  EditScope scope = EditScope::fresh;
  std::vector<Capture> captures = {};  // of whole hook points or chosen heads; rows are all positions
  bool keep = false;                   // hidden states, logits and captures of every position
  std::size_t max_new = 40;
  SamplingOptions sampling = {};
  // Told of each new token and its log-probability; false ends the text after that token.
  std::function<bool(std::int32_t id, double log_prob)> on_token = {};
  Progress* progress = nullptr;
};

struct NewToken {
  std::int32_t id = 0;
  double log_prob = 0;  // under the model's own distribution at that step, before temperature, top-k and top-p
};

// Where a text cannot grow: at the end of the table of positions, or where a rotary embedding whose angles depend on
// the text's length (dynamic, longrope) changes them, so that the values of earlier tokens would not stay.
struct TextLimit {
  std::size_t tokens = 0;
  bool turns = false;
};
// "the model's context of 1024 tokens is full"
STRATOSCOPE_API std::string describe(const TextLimit& limit);

template <class T>
struct Generation {
  std::vector<NewToken> tokens;
  std::optional<TextLimit> full;  // what ended the text, where it had no more room
  std::optional<Effect> effect;   // of the edits on the distributions that the new tokens were chosen from
  Run<T> run;                     // with `keep`: prompt and new tokens, the last one too
};

// On the engine a cache keeps what has been run; the values are those of whole runs, bit for bit. Where edits of scope
// `all` count positions from the end, which move, the whole text is run anew at each step. `mean` is that of the clean
// prompt, `corrupt` without a position acts on the prompt's positions. Throws Error for a prompt that leaves
// no room, max_new 0, and whatever resolve_edit throws. The model is one of the precision that T stands for.
template <class T>
STRATOSCOPE_API Generation<T> generate(const Model& model, const GenerateRequest& request);

}  // namespace stratoscope
