// Continues a text token by token, with edits, and optionally keeps the values of every position.
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

class Tokenizer;

// The rows on which edits act while a text grows.
enum class EditScope {
  fresh,  // "new": on the rows of generated tokens only; the prompt stays clean
  all,    // on every row, as if the whole text were run with the edits at each step
};

inline constexpr Choice<EditScope> kEditScopes[] = {{EditScope::fresh, "new"}, {EditScope::all, "all"}};
constexpr std::span<const Choice<EditScope>> choices_of(EditScope) { return kEditScopes; }

struct GenerateRequest {
  TokenIds prompt = {};
  TokenIds corrupt = {};  // may be empty
  std::vector<EditExpression> edits = {};
  EditScope scope = EditScope::fresh;
  std::vector<Capture> captures = {};  // whole hook points or selected heads; rows are all positions
  bool keep = false;                   // hidden states, logits and captures of every position
  std::size_t max_new = 40;
  SamplingOptions sampling = {};
  // Called for each new token with its log-probability; false stops after that token.
  std::function<bool(std::int32_t id, double log_prob)> on_token = {};
  const Tokenizer* tokenizer = nullptr;  // for edits that select by text
  Progress* progress = nullptr;
};

struct NewToken {
  std::int32_t id = 0;
  double log_prob = 0;  // of the model's distribution at that step, before temperature, top-k and top-p
};

// The length at which a text cannot grow: the end of the position table, or a length at which a rotary embedding
// (dynamic, longrope) changes its angles and with them the values of earlier tokens.
struct TextLimit {
  std::size_t tokens = 0;
  bool turns = false;
};
// "the model's context of 1024 tokens is full"
STRATOSCOPE_API std::string describe(const TextLimit& limit);

template <class T>
struct Generation {
  std::vector<NewToken> tokens;
  std::optional<TextLimit> full;  // the limit that ended the text, if one did
  std::optional<Effect> effect;   // of the edits on the distributions of the new tokens
  Run<T> run;                     // with `keep`: of the prompt and the new tokens, including the last
};

// The engine uses a cache; the values equal those of whole runs bit for bit. With edits of scope `all` whose positions
// count from the end, the whole text is run again at each step. `mean` is the mean of the clean prompt, and `corrupt`
// without a position acts on the positions of the prompt. Throws Error for a prompt as long as the limit, max_new 0,
// and the errors of resolve_edit. The precision of the model must be that of T.
template <class T>
STRATOSCOPE_API Generation<T> generate(const Model& model, const GenerateRequest& request);

}  // namespace stratoscope
