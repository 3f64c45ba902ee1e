#include "stratoscope/session/token_choice.h"

#include <algorithm>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

constexpr std::size_t kNotebooksToken = 8;

bool is_index(const std::string& text) {
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  return text.size() > sign && text.find_first_not_of("0123456789", sign) == std::string::npos;
}

// The token with the last byte of the first occurrence of `word` that begins and ends at token boundaries; a token may
// begin with one space before the word.
std::optional<std::size_t> last_piece_of(const Text& text, const std::string& word) {
  for (std::size_t first = 0; first < text.ids.size(); ++first) {
    std::size_t begin = text.offsets[first].first;
    const bool after_space = begin < text.text.size() && text.text[begin] == ' ' && !word.starts_with(' ');
    if (after_space) ++begin;
    if (text.text.compare(begin, word.size(), word) != 0) continue;
    for (std::size_t last = first; last < text.ids.size(); ++last)
      if (text.offsets[last].second == begin + word.size()) return last;
  }
  return std::nullopt;
}

}  // namespace

TokenChoice::TokenChoice(const std::string& text) {
  if (is_index(text))
    index = Index::parse(text, "token");
  else
    word = text;
}

std::size_t choose_token(const Text& text, const std::optional<TokenChoice>& chosen) {
  if (!chosen) return std::min(kNotebooksToken, text.ids.size() - 1);
  if (chosen->index) return chosen->index->in(text.ids.size(), "token");
  if (chosen->word.empty()) throw Error("token", "the chosen token is empty", "give an index or a word of the text");
  if (const auto found = last_piece_of(text, chosen->word)) return *found;
  throw Error("token", in_quotes(chosen->word) + " is neither an index nor a word or token of the text",
              "'stratoscope tokens' shows the text's tokens");
}

}  // namespace stratoscope
