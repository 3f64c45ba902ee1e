#include "stratoscope/text/tokenizer_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/json_section.h"
#include "stratoscope/text/tokenizer_steps_json.h"

namespace stratoscope {
namespace {

using Json = nlohmann::json;

[[noreturn]] void fail(const std::string& problem) { throw Error("tokenizer", problem); }

TokenizerDefinition::Merge read_merge(const Json& json, const std::string& place) {
  if (json.is_string()) return read_merge_line(json.get_ref<const std::string&>(), place);
  if (!json.is_array() || json.size() != 2 || !json[0].is_string() || !json[1].is_string())
    fail(place + ": a merge is a string or a pair of strings");
  return {json[0].get<std::string>(), json[1].get<std::string>()};
}

TokenizerDefinition::AddedToken read_added_token(const JsonSection& token) {
  token.require_known({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
  if (!token.at("content").is_string() || !token.at("id").is_number_integer())
    fail(token.name() + " needs a string 'content' and an integer 'id'");
  return {.content = token.text("content"),
          .id = token.at("id").get<std::int64_t>(),
          .normalized = token.flag("normalized", false),
          .strips_left = token.flag("lstrip", false),
          .strips_right = token.flag("rstrip", false),
          .single_word = token.flag("single_word", false)};
}

void read_bpe(const JsonSection& model, TokenizerDefinition& definition) {
  const std::string& file = definition.vocabulary_file;
  model.require_known({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                       "byte_fallback", "ignore_merges", "vocab", "merges"});
  model.require("dropout", {0.0});
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) model.require(affix, {""});
  if (model.has("unk_token")) definition.unknown = model.text("unk_token");
  definition.fuses_unknown = model.flag("fuse_unk", false);
  definition.byte_fallback = model.flag("byte_fallback", false);
  definition.ignores_merges = model.flag("ignore_merges", false);
  definition.vocabulary = read_vocabulary(model.at("vocab"), file);
  const Json& merges = model.list("merges");
  definition.merges.reserve(merges.size());
  for (const Json& merge : merges)
    definition.merges.push_back(read_merge(merge, definition.merges_place + std::to_string(definition.merges.size())));
}

// {"vocab": [["<unk>", 0.0], …]}: an id is the place in the list.
void read_unigram(const JsonSection& model, TokenizerDefinition& definition) {
  definition.model = TokenizerDefinition::Model::unigram;
  model.require_known({"type", "unk_id", "vocab", "byte_fallback"});
  definition.byte_fallback = model.flag("byte_fallback", false);
  for (const Json& entry : model.list("vocab")) {
    throw_if_cancelled();
    const auto id = static_cast<std::int64_t>(definition.vocabulary.size());
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number() ||
        !std::isfinite(entry[1].get<double>()))
      fail(model.name() + ": token " + std::to_string(id) + " is not a spelling with its score");
    definition.vocabulary.push_back({entry[0].get<std::string>(), id});
    definition.scores.push_back(entry[1].get<double>());
  }
  if (!model.has("unk_id")) return;
  const std::size_t unknown = model.count("unk_id");
  if (unknown >= definition.vocabulary.size()) fail(model.name() + ": 'unk_id' is no token's id");
  definition.unknown = definition.vocabulary[unknown].spelling;
}

}  // namespace

std::vector<TokenizerDefinition::Token> read_vocabulary(const Json& json, const std::string& name) {
  if (!json.is_object()) fail(name + ": the vocabulary is not a JSON object");
  std::vector<TokenizerDefinition::Token> tokens;
  tokens.reserve(json.size());
  for (const auto& [spelling, id] : json.items()) {
    throw_if_cancelled();
    if (!id.is_number_integer()) fail(name + ": the id of " + in_quotes(spelling) + " is not an integer");
    tokens.push_back({spelling, id.get<std::int64_t>()});
  }
  return tokens;
}

TokenizerDefinition::Merge read_merge_line(std::string_view line, const std::string& place) {
  throw_if_cancelled();
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || blank == 0 || blank + 1 == line.size() ||
      line.find(' ', blank + 1) != std::string_view::npos)
    fail(place + ": a merge is two tokens with one space between them");
  return {std::string(line.substr(0, blank)), std::string(line.substr(blank + 1))};
}

TokenizerDefinition read_tokenizer_json(const std::filesystem::path& file) {
  const Json json = parse_json(read_text_file(file), "tokenizer", file.string());
  const JsonSection top(json, file.string());
  top.require_known({"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                     "post_processor", "decoder", "model"});
  TokenizerDefinition definition;
  definition.vocabulary_file = file.string();
  definition.merges_place = file.string() + ": merge ";
  read_tokenizer_steps(top, definition);
  for (const char* habit : {"truncation", "padding"})  // of a data loader, which a text of its own has no use for
    if (top.has(habit)) definition.notes.push_back(file.string() + ": '" + habit + "' is set, and is not followed");

  const JsonSection model = top.section("model");
  // Older files leave the type out; only Unigram's vocabulary is a list.
  const bool is_untyped_unigram = !model.has("type") && model.has("vocab") && model.at("vocab").is_array();
  model.require("type", {"BPE", "Unigram"});
  if (is_untyped_unigram || (model.has("type") && model.text("type") == "Unigram"))
    read_unigram(model, definition);
  else
    read_bpe(model, definition);

  if (top.has("added_tokens"))
    for (const Json& token : top.list("added_tokens"))
      definition.added_tokens.push_back(read_added_token(
          JsonSection(token, file.string() + ": added token " + std::to_string(definition.added_tokens.size()))));
  return definition;
}

}  // namespace stratoscope
