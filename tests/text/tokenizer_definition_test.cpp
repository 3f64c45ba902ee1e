// The accepted settings of tokenizer files, and the errors of all others: through Tokenizer::load.
#include "stratoscope/text/tokenizer_definition.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/text/byte_alphabet.h"
#include "stratoscope/text/tokenizer.h"

namespace stratoscope {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<TokenId>;

const std::filesystem::path kBuiltin = std::filesystem::path(STRATOSCOPE_SOURCE_DIR) / "models" / "novella-7m";

// The 256 bytes (id = byte), "ab" 256, "abc" 257, "<|endoftext|>" 258.
Json small_vocabulary() {
  Json vocabulary = Json::object();
  for (int byte = 0; byte < 256; ++byte) vocabulary[spell_bytes(std::string(1, static_cast<char>(byte)))] = byte;
  vocabulary["ab"] = 256;
  vocabulary["abc"] = 257;
  vocabulary["<|endoftext|>"] = 258;
  return vocabulary;
}

Json added_token(const std::string& content, int id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

Json small_tokenizer() {
  Json json = {{"version", "1.0"},      {"truncation", nullptr},     {"padding", nullptr},
               {"normalizer", nullptr}, {"post_processor", nullptr}, {"decoder", {{"type", "ByteLevel"}}}};
  json["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
  json["added_tokens"] = Json::array({added_token("<|endoftext|>", 258)});
  json["model"] = {{"type", "BPE"}, {"vocab", small_vocabulary()}, {"merges", {"a b", "ab c"}}};
  return json;
}

class TokenizerFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto name = "stratoscope_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) +
                      "_" + std::to_string(::getpid());
    folder_ = std::filesystem::temp_directory_path() / name;
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  Tokenizer load(const Json& json) {
    write("tokenizer.json", json.dump());
    return Tokenizer::load(folder_);
  }
  Tokenizer load(const Json& vocabulary, const std::string& merges) {
    write("vocab.json", vocabulary.dump());
    write("merges.txt", merges);
    return Tokenizer::load(folder_);
  }

  // The message names the file (part of the path) and says `words`.
  void expect_refused(const std::function<void()>& attempt, const std::string& file, const std::string& words) {
    const std::string path = file.empty() ? folder_.string() : (folder_ / file).string();
    try {
      attempt();
      ADD_FAILURE() << "accepted, but should say: " << words;
    } catch (const Error& error) {
      const std::string said = error.what();
      EXPECT_NE(said.find(path), std::string::npos) << said;
      EXPECT_NE(said.find(words), std::string::npos) << said;
    }
  }
  void expect_json_refused(const char* pointer, const Json& value, const std::string& words) {
    Json json = small_tokenizer();
    json[Json::json_pointer(pointer)] = value;
    expect_refused([&] { load(json); }, "tokenizer.json", words);
  }

  std::filesystem::path folder_;
};

TEST_F(TokenizerFiles, SmallTokenizerFromEitherForm) {
  const Tokenizer from_json = load(small_tokenizer());
  std::filesystem::remove(folder_ / "tokenizer.json");
  const Tokenizer from_text = load(small_vocabulary(), "#version: 0.2\r\na b\r\nab c");
  for (const Tokenizer* tokenizer : {&from_json, &from_text}) {
    EXPECT_EQ(tokenizer->encode("abcab<|endoftext|>b").ids, (Ids{257, 256, 258, 'b'}));
    EXPECT_EQ(tokenizer->vocab_size(), 259U);
    EXPECT_EQ(tokenizer->end_of_text(), 258);
  }
}

TEST_F(TokenizerFiles, BuiltinModelFromEitherForm) {
  for (const char* name : {"vocab.json", "merges.txt"}) std::filesystem::copy_file(kBuiltin / name, folder_ / name);
  const Tokenizer from_text = Tokenizer::load(folder_), from_json = Tokenizer::load(kBuiltin);
  ASSERT_EQ(from_text.vocab_size(), from_json.vocab_size());
  for (TokenId id = 0; id < static_cast<TokenId>(from_json.vocab_size()); ++id)
    ASSERT_EQ(from_text.token_bytes(id), from_json.token_bytes(id));
  const std::string text =
      read_text_file(kBuiltin / "README.md") + read_text_file(kBuiltin / "merges.txt") + "<|endoftext|>";
  EXPECT_EQ(from_text.encode(text).ids, from_json.encode(text).ids);
}

TEST_F(TokenizerFiles, MergesAsPairsAndWithoutEndOfText) {
  Json json = small_tokenizer();
  json["model"]["merges"] = Json::array({Json::array({"a", "b"}), Json::array({"ab", "c"})});
  json["model"]["vocab"].erase("<|endoftext|>");
  json["model"].erase("type");
  json.erase("added_tokens");
  const Tokenizer tokenizer = load(json);
  EXPECT_EQ(tokenizer.encode("abc<").ids, (Ids{257, '<'}));
  EXPECT_FALSE(tokenizer.end_of_text().has_value());
}

TEST_F(TokenizerFiles, AddedTokens) {
  Json json = small_tokenizer();
  json["added_tokens"] = {added_token("<|endoftext|>", 258), added_token("<x>", 259), added_token("<x>y", 260),
                          added_token(" \u00e9", 261)};
  Json late = added_token("y<x>", 262);
  late["normalized"] = true;
  json["added_tokens"].push_back(late);
  const Tokenizer tokenizer = load(json);
  EXPECT_EQ(tokenizer.encode("<x><x>y<x").ids, (Ids{259, 260, '<', 'x'}));  // the longest
  EXPECT_EQ(tokenizer.encode("y<x>").ids, (Ids{'y', 259}));                 // "normalized" ones come after the others
  EXPECT_EQ(tokenizer.encode("a \u00e9").ids, (Ids{'a', 261}));
  EXPECT_EQ(tokenizer.token_bytes(261), " \u00e9");
  EXPECT_EQ(tokenizer.find(" \u00e9"), 261);
}

TEST_F(TokenizerFiles, HolesAmongIds) {
  Json json = small_tokenizer();
  json["added_tokens"][0]["id"] = json["model"]["vocab"]["<|endoftext|>"] = 300;
  const Tokenizer tokenizer = load(json);
  EXPECT_EQ(tokenizer.vocab_size(), 301U);
  EXPECT_EQ(tokenizer.end_of_text(), 300);
  EXPECT_THROW(tokenizer.token_bytes(299), Error);
}

TEST_F(TokenizerFiles, WhatIsNotImplementedIsRefusedByName) {
  expect_json_refused("/model/type", "WordPiece", "'type' is '\"WordPiece\"', which is not implemented");
  expect_json_refused("/model/type", "WordLevel", "WordLevel");
  expect_json_refused("/model/dropout", 0.1, "'dropout'");
  expect_json_refused("/model/end_of_word_suffix", "</w>", "'end_of_word_suffix'");
  expect_json_refused("/model/continuing_subword_prefix", "##", "'continuing_subword_prefix'");
  expect_json_refused("/model/novelty", 1, "'novelty'");
  expect_json_refused("/normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", ""}}, "Precompiled");
  expect_json_refused("/normalizer", {{"type", "BertNormalizer"}}, "BertNormalizer");
  expect_json_refused("/pre_tokenizer", nullptr, "ByteLevel as one of");
  expect_json_refused("/pre_tokenizer/type", "BertPreTokenizer", "BertPreTokenizer");
  expect_json_refused("/pre_tokenizer/type", nullptr, "'type' is not a string");
  expect_json_refused("/decoder/type", "WordPiece", "WordPiece");
  expect_json_refused("/decoder/type", "CTC", "CTC");
  expect_json_refused("/post_processor", {{"type", "Novelty"}}, "Novelty");
  const Json bytes = {{"type", "ByteLevel"}}, digits = {{"type", "Digits"}};
  expect_json_refused("/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {bytes, digits}}}, "after ByteLevel");
  const auto split = [](const char* expression) {
    return Json{{"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", "Isolated"}, {"invert", false}};
  };
  expect_json_refused("/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {split("\\p{Greek}"), bytes}}},
                      "not implemented from here on: '\\p{Greek}'");
}

TEST_F(TokenizerFiles, StepsThatAreMalformedAreRefused) {
  const auto refuse = [&](const Json& step, const std::string& words) {
    expect_json_refused("/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {step, {{"type", "ByteLevel"}}}}},
                        words);
  };
  refuse(5, "'pre_tokenizer' 0 is not a JSON object");
  refuse({{"type", "Split"}}, "no 'pattern'");
  refuse({{"type", "Split"}, {"pattern", {{"String", ""}}}, {"behavior", "Isolated"}}, "a pattern is empty");
  refuse({{"type", "Split"}, {"pattern", {{"String", "a"}}}, {"behavior", "Shuffled"}}, "Shuffled");
  refuse({{"type", "Metaspace"}, {"replacement", "ab"}}, "'replacement' is not one character");
  refuse({{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "often"}}, "often");
  refuse({{"type", "Digits"}, {"individual_digits", 1}}, "'individual_digits' is neither true nor false");
  Json deep = {{"type", "Digits"}};
  for (int i = 0; i < 20; ++i) deep = {{"type", "Sequence"}, {"pretokenizers", {deep}}};
  refuse(deep, "too deep");
  const Json text = {{"Sequence", {{"id", "A"}}}}, special = {{"SpecialToken", {{"id", "<s>"}}}};
  const auto refuse_template = [&](const Json& single, const Json& ids, const std::string& words) {
    expect_json_refused("/post_processor",
                        {{"type", "TemplateProcessing"},
                         {"single", single},
                         {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", ids}}}}}},
                        words);
  };
  refuse_template({special, text}, {9999}, "adds the id 9999");
  refuse_template({special, text}, {-1}, "adds the id -1");
  refuse_template({special, text}, {"x"}, "not an integer");
  refuse_template({text, text}, {1}, "not one text");
  refuse_template(Json::array(), {1}, "no place for the text");
}

// The behaviour of Hugging Face's classes without a post-processor.
TEST_F(TokenizerFiles, TokensAroundATextByTheConfiguration) {
  Json json = small_tokenizer();
  json["added_tokens"].push_back(added_token("<s>", 259));
  json["added_tokens"].push_back(added_token("</s>", 260));
  const auto around = [&](Json config, const Json& post_processor = nullptr) {
    config["bos_token"] = "<s>";
    config["eos_token"] = {{"content", "</s>"}};
    write("tokenizer_config.json", config.dump());
    json["post_processor"] = post_processor;
    const Tokenizer tokenizer = load(json);
    return std::pair(tokenizer.added_before(), tokenizer.added_after());
  };
  const Ids none, first = {259}, last = {260};
  EXPECT_EQ(around(Json::object()), std::pair(none, none));
  EXPECT_EQ(around({{"tokenizer_class", "GPT2Tokenizer"}}), std::pair(none, none));
  EXPECT_EQ(around({{"tokenizer_class", "GPT2Tokenizer"}, {"add_bos_token", true}}), std::pair(first, none));
  EXPECT_EQ(around({{"tokenizer_class", "LlamaTokenizerFast"}}), std::pair(first, none));
  EXPECT_EQ(around({{"tokenizer_class", "LlamaTokenizer"}, {"add_bos_token", false}}), std::pair(none, none));
  EXPECT_EQ(around({{"tokenizer_class", "GemmaTokenizer"}, {"add_eos_token", true}}), std::pair(first, last));
  const Json offsets = {{"type", "ByteLevel"}};
  EXPECT_EQ(around({{"add_bos_token", true}}, offsets), std::pair(first, none));
  const Json roberta = {{"type", "RobertaProcessing"}, {"sep", {"</s>", 260}}, {"cls", {"<s>", 259}}};
  EXPECT_EQ(around({{"add_bos_token", false}}, roberta), std::pair(first, last));
  const Json empty = {{"type", "TemplateProcessing"}, {"single", {{{"Sequence", {{"id", "A"}}}}}}};
  EXPECT_EQ(around({{"add_bos_token", true}}, empty), std::pair(none, none));
  EXPECT_EQ(around({}, {{"type", "Sequence"}, {"processors", {offsets, roberta, roberta}}}),
            std::pair(Ids({259, 259}), Ids({260, 260})));
}

TEST_F(TokenizerFiles, MalformedJsonIsRefused) {
  const auto refuse = [&](const std::string& text, const std::string& words) {
    write("tokenizer.json", text);
    expect_refused([&] { Tokenizer::load(folder_); }, "tokenizer.json", words);
  };
  refuse("", "JSON");
  refuse("{\"model\": ", "JSON");
  refuse("[]", "not a JSON object");
  refuse(std::string(1 << 20, '['), "nested");
  refuse("{\"\xFF\": 1}", "JSON");
  refuse("{}", "no 'decoder'");
  expect_json_refused("/model", 5, "not a JSON object");
  expect_json_refused("/model/vocab", Json::array(), "not a JSON object");
  expect_json_refused("/model/merges", "a b", "not a list");
  expect_json_refused("/model/merges/1", 7, "merge 1");
  expect_json_refused("/model/merges/1", "a b c", "merge 1");
  expect_json_refused("/model/merges/1", {"a", "b", "c"}, "merge 1");
  expect_json_refused("/added_tokens", 1, "not a list");
  expect_json_refused("/added_tokens/0/content", 1, "added token 0");
  expect_json_refused("/added_tokens/0/normalized", "no", "'normalized'");
}

TEST_F(TokenizerFiles, IdsThatCannotBeAreRefused) {
  expect_json_refused("/model/vocab/ab", -1, "negative id -1");
  expect_json_refused("/model/vocab/ab", 257, "the same id 257");
  expect_json_refused("/model/vocab/ab", 1.5, "not an integer");
  expect_json_refused("/model/vocab/ab", "256", "not an integer");
  expect_json_refused("/model/vocab/ab", 2000000000, "far beyond");
  expect_json_refused("/model/vocab/ab", 9000000000000000000, "far beyond");
  expect_json_refused("/model/vocab/ab", 18000000000000000000U, "id");
  expect_json_refused("/added_tokens/0/id", 5, "the same id 5");
  expect_json_refused("/added_tokens/0/id", 259, "has the id 259, but 258");
  expect_json_refused("/added_tokens/0/content", "", "no text");
  expect_json_refused("/added_tokens/1", added_token("<|endoftext|>", 259), "listed twice");
}

TEST_F(TokenizerFiles, VocabularyAndMergesThatDisagreeAreRefused) {
  expect_json_refused("/model/merges/1", "ab d", "merge 1: 'abd' is not in the vocabulary");
  expect_json_refused("/model/merges/1", "xy c", "merge 1: 'xy' is not in the vocabulary");
  expect_json_refused("/model/merges/1", "a b", "listed twice");
  expect_json_refused("/model/vocab/", 259, "the token of the id 259 is empty");
  Json json = small_tokenizer();
  json["model"]["vocab"].erase("\u0120");
  expect_refused([&] { load(json); }, "tokenizer.json", "no token for the byte 32");
}

// Some published vocabularies hold such tokens.
TEST_F(TokenizerFiles, WhatNoBytesSpellStandsForItself) {
  Json json = small_tokenizer();
  json["model"]["vocab"]["a b"] = 259;
  json["model"]["ignore_merges"] = true;
  const Tokenizer tokenizer = load(json);
  EXPECT_EQ(tokenizer.token_bytes(259), "a b");
  EXPECT_EQ(tokenizer.encode("a b").ids, (Ids{'a', ' ', 'b'}));
  EXPECT_EQ(tokenizer.decode(Ids{259, 'c'}), "a bc");
}

TEST_F(TokenizerFiles, MergeLinesAreCounted) {
  const auto refuse = [&](const std::string& merges, const std::string& words) {
    expect_refused([&] { load(small_vocabulary(), merges); }, "merges.txt", words);
  };
  refuse("#version: 0.2\na b\nabc\n", "line 3: a merge is two tokens");
  refuse("a b\n\nab c\n", "line 2: a merge is two tokens");
  refuse("a b\na  b\n", "line 2: a merge is two tokens");
  refuse("a b\nb \n", "line 2: a merge is two tokens");
  refuse("#version: 0.2\na b\nab d\n", "line 3: 'abd' is not in the vocabulary");
  refuse("a b\n\xFF c\n", "byte offset 4");
}

TEST_F(TokenizerFiles, MissingFilesAreNamed) {
  expect_refused([&] { Tokenizer::load(folder_); }, "", "neither tokenizer.json nor vocab.json");
  expect_refused([&] { Tokenizer::load(folder_ / "nowhere"); }, "nowhere", "neither tokenizer.json nor vocab.json");
  write("merges.txt", "a b\n");
  expect_refused([&] { Tokenizer::load(folder_); }, "vocab.json", "cannot be read");
  std::filesystem::remove(folder_ / "merges.txt");
  write("vocab.json", small_vocabulary().dump());
  expect_refused([&] { Tokenizer::load(folder_); }, "merges.txt", "cannot be read");
  write("merges.txt", "a b\nab c\n");
  EXPECT_NO_THROW(Tokenizer::load(folder_));
}

TEST_F(TokenizerFiles, FilesBesideTheVocabularyThatAreMalformedAreNamed) {
  write("vocab.json", small_vocabulary().dump());
  write("merges.txt", "a b\nab c\n");
  const auto refuse = [&](const std::string& name, const std::string& text, const std::string& words) {
    write(name, text);
    expect_refused([&] { Tokenizer::load(folder_); }, name, words);
    std::filesystem::remove(folder_ / name);
  };
  refuse("added_tokens.json", "[]", "is not a JSON object");
  refuse("added_tokens.json", R"({"<pad>": "x"})", "is not an integer");
  refuse("special_tokens_map.json", "{", "JSON");
  refuse("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "<pad>"}}})", "no id or no content");
  refuse("tokenizer_config.json", R"({"added_tokens_decoder": {"1": {}}})", "no id or no content");
}

// Each byte of a text looked at each of them: minutes.
TEST_F(TokenizerFiles, ManyAddedTokensAndTheLongestWins) {
  constexpr int kCount = 30'000;
  Json json = small_tokenizer();
  for (int i = 0; i < kCount; ++i)
    json["added_tokens"].push_back(added_token("<extra_" + std::to_string(i) + ">", 259 + i));
  json["added_tokens"].push_back(added_token("<<", 259 + kCount));
  json["added_tokens"].push_back(added_token("<<<<a", 260 + kCount));
  write("tokenizer.json", json.dump());
  const Tokenizer tokenizer = Tokenizer::load(folder_);
  EXPECT_EQ(tokenizer.encode("<extra_1><extra_12>b<<<<a<").ids, (Ids{260, 271, 'b', 260 + kCount, '<'}));
  EXPECT_EQ(tokenizer.encode(std::string(300'000, '<')).ids, Ids(150'000, 259 + kCount));
}

}  // namespace
}  // namespace stratoscope
