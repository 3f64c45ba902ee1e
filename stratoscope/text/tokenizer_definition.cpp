#include "stratoscope/text/tokenizer_definition.h"

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/named_tokens.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

using Json = nlohmann::json;
using std::filesystem::path;

[[noreturn]] void fail(const std::string& problem, const std::string& hint = {}) {
  throw Error("tokenizer", problem, hint);
}

Json read_json(const path& file) {
  Json json = parse_json(read_text_file(file), "tokenizer", file.string());
  if (!json.is_object()) fail(file.string() + ": is not a JSON object");
  return json;
}

// One JSON object of a file, and how messages call it.
class Section {
 public:
  Section(const Json& object, std::string name) : object_(object), name_(std::move(name)) {
    if (!object_.is_object()) fail(name_ + " is not a JSON object");
  }

  const std::string& name() const { return name_; }
  bool has(const char* key) const { return object_.contains(key) && !object_.at(key).is_null(); }
  const Json& at(const char* key) const {
    if (!object_.contains(key)) fail(name_ + " has no '" + key + "'");
    return object_.at(key);
  }
  Section section(const char* key) const { return {at(key), name_ + ": '" + key + "'"}; }
  bool flag(const char* key) const {
    if (!has(key)) return false;
    if (!at(key).is_boolean()) fail(name_ + ": '" + key + "' is neither true nor false");
    return at(key).get<bool>();
  }

  // Refuses a setting that is there and has none of the values that we follow.
  void require(const char* key, std::initializer_list<Json> accepted) const {
    if (!has(key)) return;
    for (const Json& value : accepted)
      if (at(key) == value) return;
    fail(name_ + ": '" + key + "' is " + in_quotes(at(key).dump()) + ", which is not implemented");
  }

  void require_there(const char* key, std::initializer_list<Json> accepted) const {
    if (!has(key)) fail(name_ + " has no '" + key + "'");
    require(key, accepted);
  }

  // Refuses a setting whose name we do not know.
  void require_known(std::initializer_list<std::string_view> names) const {
    for (const auto& [key, value] : object_.items())
      if (std::find(names.begin(), names.end(), key) == names.end())
        fail(name_ + ": the setting " + in_quotes(key) + " is not implemented");
  }

 private:
  const Json& object_;
  std::string name_;
};

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

TokenizerDefinition::Merge split_merge(std::string_view line, const std::string& place) {
  throw_if_cancelled();
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || blank == 0 || blank + 1 == line.size() ||
      line.find(' ', blank + 1) != std::string_view::npos)
    fail(place + ": a merge is two tokens with one space between them");
  return {std::string(line.substr(0, blank)), std::string(line.substr(blank + 1))};
}

TokenizerDefinition::Merge read_merge(const Json& json, const std::string& place) {
  if (json.is_string()) return split_merge(json.get_ref<const std::string&>(), place);
  if (!json.is_array() || json.size() != 2 || !json[0].is_string() || !json[1].is_string())
    fail(place + ": a merge is a string or a pair of strings");
  return {json[0].get<std::string>(), json[1].get<std::string>()};
}

TokenizerDefinition::AddedToken read_added_token(const Section& token) {
  token.require_known({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
  for (const char* strictness : {"single_word", "lstrip", "rstrip"}) token.require(strictness, {false});
  if (!token.at("content").is_string() || !token.at("id").is_number_integer())
    fail(token.name() + " needs a string 'content' and an integer 'id'");
  return {token.at("content").get<std::string>(), token.at("id").get<std::int64_t>(), token.flag("normalized")};
}

void require_byte_level(const Section& top) {
  top.require("normalizer", {});
  for (const char* key : {"pre_tokenizer", "decoder", "post_processor"}) {
    const bool needed = key == std::string_view("pre_tokenizer");
    if (!needed && !top.has(key)) continue;
    const Section step = top.section(key);
    step.require_there("type", {"ByteLevel"});
    step.require_known({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    if (!needed) continue;
    step.require_there("add_prefix_space", {false});
    step.require("use_regex", {true});
  }
}

TokenizerDefinition read_tokenizer_json(const path& file) {
  const Json json = read_json(file);
  const Section top(json, file.string());
  top.require_known({"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                     "post_processor", "decoder", "model"});
  require_byte_level(top);

  TokenizerDefinition definition;
  for (const char* habit : {"truncation", "padding"})  // of a data loader, which a text of its own has no use for
    if (top.has(habit)) definition.notes.push_back(file.string() + ": '" + habit + "' is set, and is not followed");

  const Section model = top.section("model");
  model.require("type", {"BPE"});
  model.require_known({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                       "byte_fallback", "ignore_merges", "vocab", "merges"});
  model.require("dropout", {0.0});
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) model.require(affix, {""});
  for (const char* setting : {"byte_fallback", "ignore_merges"}) model.require(setting, {false});

  definition.vocabulary_file = file.string();
  definition.merges_place = file.string() + ": merge ";
  definition.vocabulary = read_vocabulary(model.at("vocab"), file.string());
  if (!model.at("merges").is_array()) fail(model.name() + ": 'merges' is not a list");
  for (const Json& merge : model.at("merges"))
    definition.merges.push_back(read_merge(merge, definition.merges_place + std::to_string(definition.merges.size())));
  if (top.has("added_tokens")) {
    if (!top.at("added_tokens").is_array()) fail(file.string() + ": 'added_tokens' is not a list");
    for (const Json& token : top.at("added_tokens"))
      definition.added_tokens.push_back(read_added_token(
          Section(token, file.string() + ": added token " + std::to_string(definition.added_tokens.size()))));
  }
  return definition;
}

void read_merges_txt(const path& file, TokenizerDefinition& definition) {
  const std::string text = read_text_file(file);
  if (const std::size_t at = find_invalid_utf8(text); at < text.size())
    fail(file.string() + ": is not UTF-8 at byte offset " + std::to_string(at));
  definition.merges_place = file.string() + ": line ";
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = std::string_view{text}.substr(begin, end - begin);
    begin = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    const bool is_header = number == 1 && line.starts_with("#version");
    if (number == 1) definition.first_merge_number = is_header ? 2 : 1;
    if (!is_header) definition.merges.push_back(split_merge(line, definition.merges_place + std::to_string(number)));
  }
}

TokenizerDefinition read_vocab_and_merges(const path& folder) {
  const path vocabulary = folder / "vocab.json";
  TokenizerDefinition definition;
  definition.vocabulary_file = vocabulary.string();
  definition.vocabulary = read_vocabulary(read_json(vocabulary), vocabulary.string());
  read_merges_txt(folder / "merges.txt", definition);
  return definition;
}

TokenizerDefinition read_vocabulary_files(const path& folder) {
  std::error_code unreadable;
  const auto there = [&](const char* name) { return std::filesystem::exists(folder / name, unreadable); };
  if (there("tokenizer.json")) return read_tokenizer_json(folder / "tokenizer.json");
  if (!there("vocab.json") && !there("merges.txt"))
    fail(folder.string() + ": has neither tokenizer.json nor vocab.json and merges.txt",
         "is this the folder of a GPT-2 checkpoint?");
  return read_vocab_and_merges(folder);
}

}  // namespace

TokenizerDefinition read_tokenizer_definition(const path& folder) {
  TokenizerDefinition definition = read_vocabulary_files(folder);
  add_named_tokens(folder, definition);
  return definition;
}

}  // namespace stratoscope
