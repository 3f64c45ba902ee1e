#include "stratoscope/text/named_tokens.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <unordered_map>
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

// An empty object where there is no such file.
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

// All that a file names, whatever their roles.
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

class NamedTokens {
 public:
  explicit NamedTokens(TokenizerDefinition& definition) : definition_(definition) {
    for (const auto& token : definition.vocabulary) ids_.emplace(token.spelling, token.id);
    for (const auto& token : definition.added_tokens) added_.emplace(token.content, token.id);
  }

  // {"<pad>": 257}
  void add_ids(const Json& file, const path& name) {
    for (const auto& [content, id] : file.items()) {
      if (!id.is_number_integer())
        throw Error("tokenizer", name.string() + ": the id of " + in_quotes(content) + " is not an integer");
      add(content, id.get<std::int64_t>());
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
      add(*content, id);
    }
  }

  void add_from_vocabulary(const std::string& content) {
    if (const auto found = ids_.find(content); found != ids_.end()) add(content, found->second);
  }

 private:
  void add(const std::string& content, std::int64_t id) {
    if (!content.empty() && added_.emplace(content, id).second)
      definition_.added_tokens.push_back({content, id, false});
  }

  TokenizerDefinition& definition_;
  std::unordered_map<std::string, std::int64_t> ids_, added_;
};

}  // namespace

void add_named_tokens(const path& folder, TokenizerDefinition& definition) {
  const path configuration = folder / "tokenizer_config.json", added = folder / "added_tokens.json";
  const Json config = read_object(configuration), map = read_object(folder / "special_tokens_map.json");
  NamedTokens tokens(definition);
  tokens.add_ids(read_object(added), added);
  if (config.contains("added_tokens_decoder") && config["added_tokens_decoder"].is_object())
    tokens.add_decoder(config["added_tokens_decoder"], configuration);
  for (const Json* file : {&config, &map})
    for (const std::string& token : tokens_of(*file)) tokens.add_from_vocabulary(token);
  tokens.add_from_vocabulary("<|endoftext|>");  // GPT-2's own, which no file needs to name
  definition.beginning = token_of(config, kBeginning).value_or(token_of(map, kBeginning).value_or(""));
  definition.end = token_of(config, kEnd).value_or(token_of(map, kEnd).value_or(""));
}

}  // namespace stratoscope
