#include "stratoscope/probe/text_selectors.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

std::string listed(std::span<const std::int32_t> ids, const Tokenizer& tokenizer) {
  constexpr std::size_t kMost = 40;
  std::string text;
  for (std::size_t i = 0; i < std::min(ids.size(), kMost); ++i)
    text += (i > 0 ? ", “" : "“") + (tokenizer.contains(ids[i]) ? tokenizer.token_text(ids[i]) : "") + "”";
  return text + (ids.size() > kMost ? ", …" : "");
}

std::vector<std::size_t> positions_of_text(const std::string& wanted, const TokenIds& ids, const Tokenizer& tokenizer) {
  std::string text;
  std::vector<std::size_t> ends;
  for (const std::int32_t id : ids) {
    if (tokenizer.contains(id)) text += tokenizer.token_bytes(id);
    ends.push_back(text.size());
  }
  std::vector<std::size_t> positions;
  for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1))
    for (std::size_t p = 0; p < ends.size(); ++p)
      if (ends[p] > at && (p == 0 ? 0 : ends[p - 1]) < at + wanted.size() && ends[p] > (p == 0 ? 0 : ends[p - 1]))
        positions.push_back(p);
  if (positions.empty())
    throw Error("edit", "the text does not contain " + in_quotes(wanted), "its tokens are " + listed(ids, tokenizer));
  return positions;
}

std::size_t id_of_text(const std::string& wanted, const Tokenizer& tokenizer) {
  const TokenIds ids = tokenizer.encode_continuation(wanted).ids;
  if (ids.size() == 1) return static_cast<std::size_t>(ids[0]);
  throw Error("edit", in_quotes(wanted) + " is " + std::to_string(ids.size()) + " tokens: " + listed(ids, tokenizer),
              "name one of them, or its id");
}

}  // namespace

IndexList positions_with_texts(const IndexList& list, const TokenIds& ids, const Tokenizer& tokenizer) {
  return list.with_texts([&](const std::string& text) { return positions_of_text(text, ids, tokenizer); });
}

IndexList ids_with_texts(const IndexList& list, const Tokenizer& tokenizer) {
  return list.with_texts([&](const std::string& text) { return std::vector{id_of_text(text, tokenizer)}; });
}

EditExpression with_indices(EditExpression expression, const TokenIds& ids, const Tokenizer* tokenizer) {
  const auto replace = [&](std::optional<IndexList>& list, const auto& replaced) {
    if (!list || !list->has_texts()) return;
    if (tokenizer == nullptr) throw Error("edit", in_quotes(expression.text) + " selects by text without a tokenizer");
    list = replaced(*list);
  };
  const auto positions = [&](const IndexList& list) { return positions_with_texts(list, ids, *tokenizer); };
  replace(expression.positions, positions);
  replace(expression.keys, positions);
  replace(expression.dims, [&](const IndexList& list) { return ids_with_texts(list, *tokenizer); });
  return expression;
}

}  // namespace stratoscope
