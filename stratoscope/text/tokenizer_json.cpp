#include "stratoscope/text/tokenizer_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

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

// Parses "vocab": {"the": 5, …}, or [["the", -3.5], …] with ids by position; `name` is for messages.
class VocabularyReader final : public JsonValueReader {
 public:
  explicit VocabularyReader(std::string name) : name_(std::move(name)) {}

  std::vector<TokenizerDefinition::Token> tokens;
  std::vector<double> scores;  // of a list's tokens
  bool is_object = false, is_list = false;

  void begin_object() override {
    if (depth_++ > 0) refuse();
    is_object = true;
    is_list = false;
    clear();
  }
  void begin_list() override {
    if (depth_ == 0) {
      is_list = true;
      is_object = false;
      clear();
    } else if (depth_ > 1 || is_object) {
      refuse();
    }
    ++depth_;
    parts_ = 0;
  }
  void end() override {
    if (--depth_ == 1 && parts_ != 2) refuse();
  }
  void key(std::string& spelling) override { tokens.push_back({std::move(spelling), 0}); }
  void text(std::string& spelling) override {
    if (depth_ != 2 || parts_++ != 0) refuse();
    tokens.push_back({std::move(spelling), static_cast<std::int64_t>(tokens.size())});
  }
  void integer(std::int64_t value) override {
    if (depth_ == 1 && is_object)
      tokens.back().id = value;
    else
      real(static_cast<double>(value));
  }
  void real(double value) override {
    if (depth_ != 2 || parts_++ != 1 || !std::isfinite(value)) refuse();
    scores.push_back(value);
  }
  void other() override { refuse(); }

 private:
  [[noreturn]] void refuse() const {
    if (is_object && depth_ > 0)
      fail(name_ + ": the id of " + in_quotes(tokens.back().spelling) + " is not an integer");
    if (is_list) fail(name_ + ": token " + std::to_string(tokens.size()) + " is not a spelling with its score");
    fail(name_ + ": the vocabulary is not a JSON object");
  }
  void clear() {
    tokens.clear();
    scores.clear();
  }

  const std::string name_;
  std::size_t depth_ = 0;
  int parts_ = 0;  // number of parts read of a list's token
};

// Parses "merges": ["a b", …] or [["a", "b"], …]; `place` precedes a number in messages.
class MergesReader final : public JsonValueReader {
 public:
  explicit MergesReader(std::string place) : place_(std::move(place)) {}

  std::vector<TokenizerDefinition::Merge> merges;
  bool is_list = false;

  void begin_object() override { refuse(); }
  void begin_list() override {
    if (depth_ > 1) refuse();
    if (depth_++ == 0) {
      is_list = true;
      merges.clear();
    }
    parts_ = 0;
  }
  void end() override {
    if (--depth_ != 1) return;
    if (parts_ != 2) refuse();
    merges.push_back(std::move(pair_));
  }
  void key(std::string&) override {}
  void text(std::string& value) override {
    if (depth_ == 1) {
      merges.push_back(read_merge_line(value, place_ + std::to_string(merges.size())));
    } else if (depth_ == 2 && parts_ < 2) {
      (parts_ == 0 ? pair_.left : pair_.right) = std::move(value);
    } else {
      refuse();
    }
    ++parts_;
  }
  void integer(std::int64_t) override { refuse(); }
  void real(double) override { refuse(); }
  void other() override { refuse(); }

 private:
  [[noreturn]] void refuse() const {
    if (depth_ == 0) fail(place_ + "list: 'merges' is not a list");
    fail(place_ + std::to_string(merges.size()) + ": a merge is a string or a pair of strings");
  }

  const std::string place_;
  TokenizerDefinition::Merge pair_;
  std::size_t depth_ = 0;
  int parts_ = 0;  // number of parts read of a pair
};

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
  model.require_known({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                       "byte_fallback", "ignore_merges", "vocab", "merges"});
  model.require("dropout", {0.0});
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) model.require(affix, {""});
  if (model.has("unk_token")) definition.unknown = model.text("unk_token");
  definition.fuses_unknown = model.flag("fuse_unk", false);
  definition.byte_fallback = model.flag("byte_fallback", false);
  definition.ignores_merges = model.flag("ignore_merges", false);
}

void read_unigram(const JsonSection& model, TokenizerDefinition& definition) {
  definition.model = TokenizerDefinition::Model::unigram;
  model.require_known({"type", "unk_id", "vocab", "byte_fallback"});
  definition.byte_fallback = model.flag("byte_fallback", false);
  if (!model.has("unk_id")) return;
  const std::size_t unknown = model.count("unk_id");
  if (unknown >= definition.vocabulary.size()) fail(model.name() + ": 'unk_id' is not an id of a token");
  definition.unknown = definition.vocabulary[unknown].spelling;
}

}  // namespace

std::vector<TokenizerDefinition::Token> read_vocabulary(std::string_view json, const std::string& name) {
  VocabularyReader reader(name);
  parse_json_with_readers(json, "tokenizer", name, {{"", &reader}});
  if (!reader.is_object) fail(name + ": is not a JSON object");
  return std::move(reader.tokens);
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
  VocabularyReader vocabulary(file.string());
  MergesReader merges(file.string() + ": merge ");
  const Json json = parse_json_with_readers(read_text_file(file), "tokenizer", file.string(),
                                            {{"/model/vocab", &vocabulary}, {"/model/merges", &merges}});
  const JsonSection top(json, file.string());
  top.require_known({"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                     "post_processor", "decoder", "model"});
  TokenizerDefinition definition;
  definition.vocabulary_file = file.string();
  definition.merges_place = file.string() + ": merge ";
  read_tokenizer_steps(top, definition);
  for (const char* habit : {"truncation", "padding"})  // settings for batches of training data
    if (top.has(habit))
      definition.notes.push_back(file.string() + ": '" + habit + "' is set, which is not implemented");

  const JsonSection model = top.section("model");
  model.require("type", {"BPE", "Unigram"});
  definition.vocabulary = std::move(vocabulary.tokens);
  definition.scores = std::move(vocabulary.scores);
  definition.merges = std::move(merges.merges);
  // Older files have no type; only a Unigram vocabulary is a list.
  const bool is_unigram = model.has("type") ? model.text("type") == "Unigram" : vocabulary.is_list;
  if (is_unigram ? !vocabulary.is_list : !vocabulary.is_object)
    fail(model.name() + ": 'vocab' is missing, or not " + (is_unigram ? "a list" : "a JSON object"));
  if (!is_unigram && !merges.is_list) fail(model.name() + ": 'merges' is missing, or not a list");
  if (is_unigram)
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
