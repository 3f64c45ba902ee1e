#include "stratoscope/text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/unicode_classes.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

// The first byte of the last character of text[0, end), which is not empty.
std::size_t last_character(std::string_view text, std::size_t end) {
  std::size_t at = end - 1;
  while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

bool is_word_character(std::string_view text, std::size_t at) {
  const char32_t c = decode_code_point(text, at);
  return is_word(c) || c == 0x200C || c == 0x200D;  // joiners are within words
}

bool is_within_word(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin > 0 && is_word_character(text, last_character(text, begin))) ||
         (end < text.size() && is_word_character(text, end));
}

std::size_t without_whitespace_before(std::string_view text, std::size_t begin, std::size_t least) {
  while (begin > least) {
    const std::size_t at = last_character(text, begin);
    if (!is_whitespace(decode_code_point(text, at))) break;
    begin = at;
  }
  return std::max(begin, least);
}

std::size_t without_whitespace_after(std::string_view text, std::size_t end) {
  while (end < text.size() && is_whitespace(decode_code_point(text, end)))
    end += utf8_length(static_cast<unsigned char>(text[end]));
  return end;
}

}  // namespace

AddedTokens::AddedTokens(const TokenizerDefinition& definition, const Normalizer& normalizer) {
  const std::string& file = definition.vocabulary_file;
  for (const auto& token : definition.added_tokens) {
    throw_if_cancelled();
    if (token.content.empty()) throw Error("tokenizer", file + ": an added token has no text");
    if (!ids_.emplace(token.content, static_cast<TokenId>(token.id)).second)
      throw Error("tokenizer", file + ": the added token " + in_quotes(token.content) + " is listed twice");
    std::string content = token.content;
    if (token.normalized) content = normalizer.apply(MappedText(content), StretchPlace::beginning).text();
    if (content.empty()) continue;
    Group& group = token.normalized ? normalized_ : plain_;
    group.first_bytes[static_cast<unsigned char>(content[0])] = true;
    group.tokens.push_back(
        {std::move(content), static_cast<TokenId>(token.id), token.strips_left, token.strips_right, token.single_word});
  }
  for (Group* group : {&plain_, &normalized_})
    std::stable_sort(group->tokens.begin(), group->tokens.end(),
                     [](const Token& a, const Token& b) { return a.content < b.content; });
  const std::unordered_map<std::string_view, TokenId> added(ids_.begin(), ids_.end());
  for (const auto& token : definition.vocabulary)
    if (const auto found = added.find(token.spelling); found != added.end() && found->second != token.id)
      throw Error("tokenizer", file + ": the added token " + in_quotes(token.spelling) + " has the id " +
                                   std::to_string(found->second) + ", but " + std::to_string(token.id) +
                                   " in the vocabulary");
}

std::optional<TokenId> AddedTokens::find(std::string_view content) const {
  const auto found = ids_.find(std::string(content));
  return found == ids_.end() ? std::nullopt : std::optional<TokenId>(found->second);
}

// The longest token with which the text begins, or null; the number of steps is that of matching bytes.
const AddedTokens::Token* AddedTokens::longest_start(const Group& group, std::string_view text) {
  const Token* longest = nullptr;
  auto low = group.tokens.begin(), high = group.tokens.end();
  for (std::size_t depth = 0; low != high; ++depth) {
    for (; low != high && low->content.size() == depth; ++low) longest = &*low;  // the shortest comes first
    if (depth == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[depth]);
    const auto byte_of = [depth](const Token& token) { return static_cast<unsigned char>(token.content[depth]); };
    low = std::partition_point(low, high, [&](const Token& token) { return byte_of(token) < byte; });
    high = std::partition_point(low, high, [&](const Token& token) { return byte_of(token) == byte; });
  }
  return longest;
}

std::vector<AddedTokens::Match> AddedTokens::find_group(const Group& group, std::string_view text) {
  std::vector<Match> matches;
  if (group.tokens.empty()) return matches;
  std::size_t taken = 0;  // by the previous match
  for (std::size_t at = 0; at < text.size();) {
    const bool may_begin = group.first_bytes[static_cast<unsigned char>(text[at])];
    const Token* const found = may_begin ? longest_start(group, text.substr(at)) : nullptr;
    if (found == nullptr) {
      ++at;
      continue;
    }
    const std::size_t begin = at, end = at + found->content.size();
    at = end;
    if (found->single_word && is_within_word(text, begin, end)) continue;
    Match match{std::max(begin, taken), std::max(end, taken), found->id};
    if (found->strips_left) match.begin = without_whitespace_before(text, match.begin, taken);
    if (found->strips_right) match.end = without_whitespace_after(text, match.end);
    taken = match.end;
    matches.push_back(match);
  }
  return matches;
}

}  // namespace stratoscope
