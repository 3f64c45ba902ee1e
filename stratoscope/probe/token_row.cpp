#include "stratoscope/probe/token_row.h"

#include <utility>

namespace stratoscope {
namespace {

constexpr std::string_view kTableFile = ".npy";

// "FILE.npy" and what follows the colon after it; empty for another text.
std::optional<std::pair<std::string, std::optional<std::string>>> file_and_column(const std::string& text) {
  if (text.ends_with(kTableFile)) return std::pair(text, std::optional<std::string>());
  const std::size_t end = text.rfind(std::string(kTableFile) + ":");
  if (end == std::string::npos) return std::nullopt;
  const std::size_t colon = end + kTableFile.size();
  return std::pair(text.substr(0, colon), std::optional(text.substr(colon + 1)));
}

// "HEAD[from N]" as HEAD and N; empty for another text.
std::optional<std::pair<std::string, std::string>> head_and_position(const std::string& text, std::string_view word) {
  const std::string opening = "[" + std::string(word) + " ";
  const std::size_t at = text.rfind(opening);
  if (at == std::string::npos || !text.ends_with(']')) return std::nullopt;
  const std::size_t begin = at + opening.size();
  return std::pair(text.substr(0, at), text.substr(begin, text.size() - 1 - begin));
}

}  // namespace

TokenRow::TokenRow(const char* written) : TokenRow(std::string(written)) {}

TokenRow::TokenRow(const std::string& written) : text(written) {
  const std::pair<std::string_view, TokenRowKind> words[] = {{"surprisal", TokenRowKind::surprisal},
                                                             {"entropy", TokenRowKind::entropy},
                                                             {"attribution", TokenRowKind::attribution}};
  for (const auto& [word, its_kind] : words)
    if (text == word) {
      kind = its_kind;
      return;
    }
  if (const auto named = file_and_column(text)) {
    kind = TokenRowKind::file;
    file = named->first;
    if (named->second) column = Index::parse(*named->second, "column");
    return;
  }
  const std::pair<std::string_view, TokenRowKind> ends[] = {{"from", TokenRowKind::attention_from},
                                                            {"to", TokenRowKind::attention_to}};
  for (const auto& [word, its_kind] : ends)
    if (const auto head = head_and_position(text, word)) {
      kind = its_kind;
      hook = HookExpression(head->first);
      position = Index::parse(head->second, "position");
      return;
    }
  kind = TokenRowKind::hook;
  hook = HookExpression(text);
}

}  // namespace stratoscope
