#include "stratoscope/text/special_tokens.h"

#include <algorithm>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

// The longest of the sorted `contents` that the text begins with, or null; in as many steps as bytes agree.
const std::string* longest_start(const std::vector<std::string>& contents, std::string_view text) {
  const std::string* longest = nullptr;
  auto low = contents.begin(), high = contents.end();
  for (std::size_t depth = 0; low != high; ++depth) {
    if (low->size() == depth) longest = &*low++;  // the shortest comes first
    if (depth == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[depth]);
    const auto byte_of = [depth](const std::string& content) { return static_cast<unsigned char>(content[depth]); };
    low = std::partition_point(low, high, [&](const std::string& content) { return byte_of(content) < byte; });
    high = std::partition_point(low, high, [&](const std::string& content) { return byte_of(content) == byte; });
  }
  return longest;
}

}  // namespace

SpecialTokens::SpecialTokens(const TokenizerDefinition& definition) {
  const std::string& file = definition.vocabulary_file;
  for (const auto& token : definition.added_tokens) {
    throw_if_cancelled();
    if (token.content.empty()) throw Error("tokenizer", file + ": an added token has no text");
    if (!ids_.emplace(token.content, static_cast<TokenId>(token.id)).second)
      throw Error("tokenizer", file + ": the added token " + in_quotes(token.content) + " is listed twice");
    Group& group = token.normalized ? normalized_ : plain_;
    group.contents.push_back(token.content);
    group.first_bytes[static_cast<unsigned char>(token.content[0])] = true;
  }
  for (Group* group : {&plain_, &normalized_}) std::sort(group->contents.begin(), group->contents.end());
  for (const auto& token : definition.vocabulary)
    if (const auto added = find(token.spelling); added && *added != token.id)
      throw Error("tokenizer", file + ": the added token " + in_quotes(token.spelling) + " has the id " +
                                   std::to_string(*added) + ", but " + std::to_string(token.id) + " in the vocabulary");
}

std::vector<SpecialTokens::Match> SpecialTokens::find_all(std::string_view text) const {
  std::vector<Match> first;
  find_group(plain_, text, 0, text.size(), first);
  if (normalized_.contents.empty()) return first;
  std::vector<Match> all;
  std::size_t begin = 0;
  for (const Match& match : first) {
    find_group(normalized_, text, begin, match.begin, all);
    all.push_back(match);
    begin = match.end;
  }
  find_group(normalized_, text, begin, text.size(), all);
  return all;
}

std::optional<TokenId> SpecialTokens::find(std::string_view content) const {
  const auto found = ids_.find(std::string(content));
  return found == ids_.end() ? std::nullopt : std::optional<TokenId>(found->second);
}

void SpecialTokens::find_group(const Group& group, std::string_view text, std::size_t begin, std::size_t end,
                               std::vector<Match>& matches) const {
  if (group.contents.empty()) return;
  const std::string_view stretch = text.substr(0, end);
  while (begin < end) {
    const bool may_begin = group.first_bytes[static_cast<unsigned char>(text[begin])];
    const std::string* const found = may_begin ? longest_start(group.contents, stretch.substr(begin)) : nullptr;
    if (found == nullptr) {
      ++begin;
      continue;
    }
    matches.push_back({begin, begin + found->size(), ids_.at(*found)});
    begin += found->size();
  }
}

}  // namespace stratoscope
