#include "stratoscope/text/special_tokens.h"

#include <algorithm>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope {

SpecialTokens::SpecialTokens(const TokenizerDefinition& definition) {
  const std::string& file = definition.vocabulary_file;
  for (const auto& token : definition.added_tokens) {
    if (token.content.empty()) throw Error("tokenizer", file + ": an added token has no text");
    if (!ids_.emplace(token.content, static_cast<TokenId>(token.id)).second)
      throw Error("tokenizer", file + ": the added token " + in_quotes(token.content) + " is listed twice");
    Group& group = token.normalized ? normalized_ : plain_;
    group.by_first_byte[static_cast<unsigned char>(token.content[0])].push_back(token.content);
    group.empty = false;
  }
  for (Group* group : {&plain_, &normalized_})
    for (std::vector<std::string>& contents : group->by_first_byte)
      std::sort(contents.begin(), contents.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  for (const auto& token : definition.vocabulary)
    if (const auto added = find(token.spelling); added && *added != token.id)
      throw Error("tokenizer", file + ": the added token " + in_quotes(token.spelling) + " has the id " +
                                   std::to_string(*added) + ", but " + std::to_string(token.id) + " in the vocabulary");
}

std::vector<SpecialTokens::Match> SpecialTokens::find_all(std::string_view text) const {
  std::vector<Match> first;
  find_group(plain_, text, 0, text.size(), first);
  if (normalized_.empty) return first;
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
  if (group.empty) return;
  const std::string_view stretch = text.substr(0, end);
  while (begin < end) {
    const auto& candidates = group.by_first_byte[static_cast<unsigned char>(text[begin])];
    const auto found = std::find_if(candidates.begin(), candidates.end(), [&](const std::string& content) {
      return stretch.compare(begin, content.size(), content) == 0;
    });
    if (found == candidates.end()) {
      ++begin;
      continue;
    }
    matches.push_back({begin, begin + found->size(), ids_.at(*found)});
    begin += found->size();
  }
}

}  // namespace stratoscope
