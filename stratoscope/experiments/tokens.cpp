#include "stratoscope/experiments/tokens.h"

#include <limits>
#include <set>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/figures/text.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

TokenCounts count(const Session& session, const TextInput& input, TextOptions options) {
  options.check_context = false;
  TokenCounts counts{session.read(input, options), 0, 0, 0};
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

std::string usual_label(const TokenCounts& counts) {
  constexpr double kWidest = 90, kSize = 11;  // pixels: fits beside an axis
  return token_label(shorten(counts.text.text, kWidest, kSize));
}

void add_members(Json& json, const TokenCounts& counts) {
  json["text"] = counts.text.text;
  json["ids"] = counts.text.ids;
  json["tokens"] = counts.text.tokens;
  json["offsets"] = counts.text.offsets;
  json["characters"] = counts.characters;
  json["unique_characters"] = counts.unique_characters;
  json["count"] = counts.text.ids.size();
  json["unique"] = counts.unique;
}

Json text_json(const TokenCounts& counts) {
  Json json = {{"label", counts.label}};
  add_members(json, counts);
  json["bytes"] = counts.text.text.size();
  json["tokens_per_character"] = counts.tokens_per_character();
  if (!counts.text.notes.empty()) json["notes"] = counts.text.notes;
  return json;
}

}  // namespace

double TokenCounts::tokens_per_character() const {
  if (characters == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(text.ids.size()) / static_cast<double>(characters);
}

void describe(TokensRequest& request, Fields& fields) {
  add_added_tokens(fields, request.text_options);
  fields.add("labels", request.labels, "names of the texts in a comparison, such as English,German")
      .value("LIST")
      .separated(',');
  fields.add("more", request.more, "further texts, which are compared with the first one")
      .value("TEXT")
      .more_arguments();
  fields.add("decode", request.text.ids, "token ids whose texts are wanted, as with --ids").value("LIST");
  add_text(fields, request.text, kTheText, {"decode"});
}

void check(const TokensRequest& request) {
  if (request.labels.empty()) return;
  if (request.more.empty()) throw UsageError("labels", "there is one text, and labels are of several");
  if (request.labels.size() != request.more.size() + 1)
    throw UsageError("labels", "there are " + std::to_string(request.labels.size()) + " labels and " +
                                   std::to_string(request.more.size() + 1) + " texts");
}

TokenCounts tokens(const Session& session, const TokensRequest& request) {
  check(request);
  TokenCounts counts = count(session, request.text, request.text_options);
  if (request.more.empty()) return counts;
  const auto label = [&](TokenCounts& of, std::size_t i) {
    of.label = request.labels.empty() ? usual_label(of) : request.labels[i];
  };
  label(counts, 0);
  for (const std::string& text : request.more) {
    counts.more.push_back(count(session, text, request.text_options));
    label(counts.more.back(), counts.more.size());
  }
  return counts;
}

std::vector<const TokenCounts*> all_texts(const TokenCounts& counts) {
  std::vector<const TokenCounts*> all = {&counts};
  for (const TokenCounts& each : counts.more) all.push_back(&each);
  return all;
}

Document to_json(const Session& session, const TokenCounts& counts) {
  Json json = begin_document(session, std::nullopt, counts.more.empty() ? &counts.text : nullptr);
  if (counts.more.empty()) {
    add_members(json, counts);
  } else {
    json["texts"] = Json::array();
    for (const TokenCounts* each : all_texts(counts)) json["texts"].push_back(text_json(*each));
  }
  json["context"] = session.config().n_ctx;
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const TokenCounts& counts) {
  if (!counts.more.empty()) {
    std::vector<std::int64_t> characters, bytes, of_tokens;
    for (const TokenCounts* each : all_texts(counts)) {
      characters.push_back(static_cast<std::int64_t>(each->characters));
      bytes.push_back(static_cast<std::int64_t>(each->text.text.size()));
      of_tokens.push_back(static_cast<std::int64_t>(each->text.ids.size()));
    }
    const Shape shape = {of_tokens.size()};
    return {named_values("tokens", shape, std::move(of_tokens)),
            named_values("characters", shape, std::move(characters)), named_values("bytes", shape, std::move(bytes))};
  }
  const Text& text = counts.text;
  std::vector<std::int64_t> offsets;
  for (const auto& [begin, end] : text.offsets)
    for (const std::size_t offset : {begin, end}) offsets.push_back(static_cast<std::int64_t>(offset));
  return {named_values("ids", {text.ids.size()}, text.ids),
          named_values("offsets", {text.offsets.size(), 2}, std::move(offsets))};
}

Figure figure_of(const TokenCounts& counts) {
  const std::vector<const TokenCounts*> all = all_texts(counts);
  std::vector<std::string> labels;
  for (const TokenCounts* each : all) labels.push_back(each->label.empty() ? usual_label(*each) : each->label);
  const auto panel_of = [&](const char* title, const auto& value_of) {
    Panel panel;
    panel.title = title;
    panel.y.ticks = labels;
    Bars bars;
    bars.horizontal = true;
    for (const TokenCounts* each : all) bars.values.push_back(static_cast<double>(value_of(*each)));
    panel.marks = {std::move(bars)};
    return panel;
  };
  return {all.size() == 1 ? "A text in tokens" : "Texts in tokens",
          "Characters are code points, bytes are of UTF-8.",
          "",
          {panel_of("Characters", [](const TokenCounts& of) { return of.characters; }),
           panel_of("Bytes", [](const TokenCounts& of) { return of.text.text.size(); }),
           panel_of("Tokens", [](const TokenCounts& of) { return of.text.ids.size(); }),
           panel_of("Tokens per character", [](const TokenCounts& of) { return of.tokens_per_character(); })},
          2,
          std::nullopt};
}

}  // namespace stratoscope
