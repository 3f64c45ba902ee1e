#include "stratoscope/text/named_tokens.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

using Json = nlohmann::json;
using std::filesystem::path;

constexpr const char *kBeginning = "bos_token", *kEnd = "eos_token";
constexpr const char* kRoles[] = {kBeginning, kEnd, "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

// An empty object if there is no such file.
Json read_object(const path& file) {
  std::error_code unreadable;
  if (!std::filesystem::exists(file, unreadable)) return Json::object();
  Json json = parse_json(read_text_file(file), "tokenizer", file.string());
  if (!json.is_object()) throw Error("tokenizer", file.string() + ": is not a JSON object");
  return json;
}

// A token is written as its text, or as an object with its "content".
std::optional<std::string> content_of(const Json& token) {
  if (token.is_string()) return token.get<std::string>();
  if (token.is_object() && token.contains("content") && token["content"].is_string())
    return token["content"].get<std::string>();
  return std::nullopt;
}

std::optional<std::string> token_of(const Json& file, const char* role) {
  return file.contains(role) ? content_of(file[role]) : std::nullopt;
}

// All tokens of a file, whatever their roles.
std::vector<std::string> tokens_of(const Json& file) {
  std::vector<std::string> tokens;
  const auto add = [&](std::optional<std::string> token) {
    if (token && !token->empty()) tokens.push_back(*std::move(token));
  };
  for (const char* role : kRoles) add(token_of(file, role));
  if (file.contains("additional_special_tokens") && file["additional_special_tokens"].is_array())
    for (const Json& token : file["additional_special_tokens"]) add(content_of(token));
  return tokens;
}

bool is_set(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_boolean() && object[key].get<bool>();
}

// Whether Hugging Face's tokenizer class adds a token at the beginning by default.
bool begins_by_habit(const Json& config, bool is_sentencepiece) {
  if (!config.contains("tokenizer_class") || !config["tokenizer_class"].is_string()) return is_sentencepiece;
  std::string name = config["tokenizer_class"].get<std::string>();
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  return name == "LlamaTokenizer" || name == "CodeLlamaTokenizer" || name == "GemmaTokenizer";
}

class NamedTokens {
 public:
  explicit NamedTokens(TokenizerDefinition& definition) : definition_(definition) {
    for (const auto& token : definition.added_tokens) added_.emplace(token.content, token.id);
  }

  // {"<pad>": 257}
  void add_ids(const Json& file, const path& name) {
    for (const auto& [content, id] : file.items()) {
      if (!id.is_number_integer())
        throw Error("tokenizer", name.string() + ": the id of " + in_quotes(content) + " is not an integer");
      add({.content = content, .id = id.get<std::int64_t>(), .normalized = false});
    }
  }

  // {"257": {"content": "<pad>", …}}
  void add_decoder(const Json& decoder, const path& name) {
    for (const auto& [key, token] : decoder.items()) {
      std::int64_t id = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      const auto content = content_of(token);
      if (error != std::errc() || end != key.data() + key.size() || !content)
        throw Error("tokenizer", name.string() + ": added token " + in_quotes(key) + " has no id or no content");
      TokenizerDefinition::AddedToken added{.content = *content, .id = id, .normalized = is_set(token, "normalized")};
      added.strips_left = is_set(token, "lstrip");
      added.strips_right = is_set(token, "rstrip");
      added.single_word = is_set(token, "single_word");
      add(std::move(added));
    }
  }

  std::optional<std::int64_t> find(const std::string& content) const {
    const auto found = added_.find(content);
    return found == added_.end() ? std::nullopt : std::optional(found->second);
  }

  // The ids of those contents that the vocabulary has, in their order.
  void add_from_vocabulary(const std::vector<std::string>& contents) {
    std::unordered_map<std::string_view, std::optional<std::int64_t>> ids;
    for (const std::string& content : contents) ids.try_emplace(content);
    for (const auto& token : definition_.vocabulary)
      if (const auto found = ids.find(token.spelling); found != ids.end()) found->second = token.id;
    for (const std::string& content : contents)
      if (const auto id = ids.at(content)) add({.content = content, .id = *id, .normalized = false});
  }

 private:
  void add(TokenizerDefinition::AddedToken token) {
    if (!token.content.empty() && added_.emplace(token.content, token.id).second)
      definition_.added_tokens.push_back(std::move(token));
  }

  TokenizerDefinition& definition_;
  std::unordered_map<std::string, std::int64_t> added_;
};

}  // namespace

void add_named_tokens(const path& folder, TokenizerDefinition& definition) {
  const path configuration = folder / "tokenizer_config.json", added = folder / "added_tokens.json";
  const Json config = read_object(configuration), map = read_object(folder / "special_tokens_map.json");
  NamedTokens tokens(definition);
  tokens.add_ids(read_object(added), added);
  if (config.contains("added_tokens_decoder") && config["added_tokens_decoder"].is_object())
    tokens.add_decoder(config["added_tokens_decoder"], configuration);
  std::vector<std::string> named;
  for (const Json* file : {&config, &map})
    for (std::string& token : tokens_of(*file)) named.push_back(std::move(token));
  const bool is_sentencepiece = definition.vocabulary_file.ends_with(".model");
  named.emplace_back("<|endoftext|>");  // implicit in GPT-2's files
  if (is_sentencepiece) named.insert(named.end(), {"<s>", "</s>"});
  tokens.add_from_vocabulary(named);
  definition.beginning = token_of(config, kBeginning).value_or(token_of(map, kBeginning).value_or(""));
  definition.end = token_of(config, kEnd).value_or(token_of(map, kEnd).value_or(""));
  if (is_sentencepiece && definition.beginning.empty()) definition.beginning = "<s>";
  if (is_sentencepiece && definition.end.empty()) definition.end = "</s>";
  if (definition.adds_tokens) return;
  const auto adds = [&](const char* key, bool by_habit) {
    return config.contains(key) && config[key].is_boolean() ? config[key].get<bool>() : by_habit;
  };
  const auto add_one = [&](const std::string& content, std::vector<std::int64_t>& ids) {
    if (const auto id = tokens.find(content)) ids.push_back(*id);
  };
  if (adds("add_bos_token", begins_by_habit(config, is_sentencepiece)))
    add_one(definition.beginning, definition.before);
  if (adds("add_eos_token", false)) add_one(definition.end, definition.after);
}

}  // namespace stratoscope
