#include "stratoscope/experiments/tokens.h"

#include <set>

#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {

void describe(TokensRequest& request, Fields& fields) {
  add_added_tokens(fields, request.text_options);
  add_text(fields, request.text);
}

TokenCounts tokens(const Session& session, const TokensRequest& request) {
  TextOptions options = request.text_options;
  options.check_context = false;
  TokenCounts counts{session.read(request.text, options), 0, 0, 0};
  const std::string& text = counts.text.text;
  std::set<char32_t> characters;
  for (std::size_t i = 0; i < text.size(); i += utf8_length(static_cast<unsigned char>(text[i]))) {
    characters.insert(decode_code_point(text, i));
    ++counts.characters;
  }
  counts.unique_characters = characters.size();
  counts.unique = std::set<TokenId>(counts.text.ids.begin(), counts.text.ids.end()).size();
  return counts;
}

Document to_json(const Session& session, const TokenCounts& counts) {
  Json json = begin_document(session, std::nullopt, &counts.text);
  json["text"] = counts.text.text;
  json["ids"] = counts.text.ids;
  json["tokens"] = counts.text.tokens;
  json["offsets"] = counts.text.offsets;
  json["characters"] = counts.characters;
  json["unique_characters"] = counts.unique_characters;
  json["count"] = counts.text.ids.size();
  json["unique"] = counts.unique;
  json["context"] = session.config().n_ctx;
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const TokenCounts& counts) {
  const Text& text = counts.text;
  std::vector<std::int64_t> offsets;
  for (const auto& [begin, end] : text.offsets)
    for (const std::size_t offset : {begin, end}) offsets.push_back(static_cast<std::int64_t>(offset));
  return {named_values("ids", {text.ids.size()}, text.ids),
          named_values("offsets", {text.offsets.size(), 2}, std::move(offsets))};
}

}  // namespace stratoscope
