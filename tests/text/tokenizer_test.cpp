#include "stratoscope/text/tokenizer.h"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/text/utf8.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

const std::filesystem::path kSource = STRATOSCOPE_SOURCE_DIR;

const Tokenizer& builtin() {
  static const Tokenizer tokenizer = Tokenizer::load(kSource / "models" / "novella-7m");
  return tokenizer;
}

// Decode gives the text back, offsets tile it, and each token's bytes stand at its offsets.
void expect_lossless(const Tokenizer& tokenizer, const std::string& text) {
  const Encoding encoding = tokenizer.encode(text);
  ASSERT_EQ(encoding.ids.size(), encoding.offsets.size());
  ASSERT_EQ(tokenizer.decode(encoding.ids), text);
  std::size_t at = 0;
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    const auto [begin, end] = encoding.offsets[i];
    ASSERT_EQ(begin, at);
    ASSERT_LT(begin, end);
    ASSERT_LE(end, text.size());
    ASSERT_EQ(text.compare(begin, end - begin, tokenizer.token_bytes(encoding.ids[i])), 0);
    at = end;
  }
  ASSERT_EQ(at, text.size());
}

std::string random_text(std::mt19937& random) {
  constexpr std::array<char32_t, 7> kLimits = {0x20, 0x80, 0x250, 0x800, 0x3100, 0xD800, 0x110000};
  constexpr std::array<const char*, 6> kPieces = {" the", "'s", "  ", "<|endoftext|>", "\r\n", " Penguins"};
  std::string text;
  for (std::size_t pieces = random() % 60; pieces > 0; --pieces) {
    const auto code_point = static_cast<char32_t>(random() % kLimits[random() % kLimits.size()]);
    if (random() % 3 == 0)
      text += kPieces[random() % kPieces.size()];
    else if (code_point < 0xD800 || code_point > 0xDFFF)
      append_utf8(text, code_point);
  }
  return text;
}

TEST(Tokenizer, GoldenIds) {
  const auto golden = nlohmann::json::parse(read_text_file(kSource / "tests" / "golden" / "tokens.json"));
  ASSERT_GT(golden.size(), 3U);
  for (const auto& entry : golden) {
    const std::string text = entry.at("text");
    EXPECT_EQ(builtin().encode(text).ids, entry.at("ids").get<std::vector<TokenId>>()) << text;
  }
}

TEST(Tokenizer, RandomTextsComeBack) {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) ASSERT_NO_FATAL_FAILURE(expect_lossless(builtin(), random_text(random)));
}

TEST(Tokenizer, LongRunsComeBack) {
  constexpr std::size_t kLength = test::kWatched ? 1 << 17 : 1 << 20;
  for (const std::string unit :
       {"a", " ", "\n", "!", "7", "'s", "a ", "\u4e2d", "\u00a0", "\u0301", "\U0001f600", "<|endoftext"}) {
    std::string text;
    while (text.size() < kLength) text += unit;
    ASSERT_NO_FATAL_FAILURE(expect_lossless(builtin(), text)) << unit;
    ASSERT_NO_FATAL_FAILURE(expect_lossless(builtin(), text + "x")) << unit;
  }
}

// Byte-pair encoding as it is defined, one merge of the list after the other; for words of ASCII letters.
std::vector<TokenId> encode_by_definition(const std::string& word) {
  static const std::string merges = read_text_file(kSource / "models" / "novella-7m" / "merges.txt");
  std::vector<std::string> parts;
  for (const char letter : word) parts.emplace_back(1, letter);
  std::istringstream lines(merges.substr(merges.find('\n') + 1));
  for (std::string left, right; lines >> left >> right;)
    for (std::size_t i = 0; i + 1 < parts.size(); ++i)
      if (parts[i] == left && parts[i + 1] == right) {
        parts[i] += right;
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
  std::vector<TokenId> ids;
  ids.reserve(parts.size());
  for (const std::string& part : parts) ids.push_back(builtin().find(part).value());
  return ids;
}

TEST(Tokenizer, WordsOfAnyLengthFollowTheDefinition) {
  std::mt19937 random(11);
  for (std::size_t length = 1; length <= 60; ++length) {
    std::string word;
    for (std::size_t i = 0; i < length; ++i) word += "etaoinshrdlu"[random() % 12];
    ASSERT_EQ(builtin().encode(word).ids, encode_by_definition(word)) << word;
  }
}

TEST(Tokenizer, AWordMetBeforeGetsTheSameTokens) {
  const std::vector<TokenId> once = builtin().encode(" unquestionably").ids;
  std::vector<TokenId> expected;
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += " unquestionably";
    expected.insert(expected.end(), once.begin(), once.end());
  }
  EXPECT_EQ(builtin().encode(text).ids, expected);
}

TEST(Tokenizer, SpecialTokens) {
  const auto end_of_text = builtin().end_of_text();
  ASSERT_TRUE(end_of_text.has_value());
  const Encoding encoding = builtin().encode("a<|endoftext|> b<|endoftext|>");
  ASSERT_EQ(encoding.ids.size(), 4U);
  EXPECT_EQ(encoding.ids[1], *end_of_text);
  EXPECT_EQ(encoding.ids[3], *end_of_text);
  EXPECT_EQ(encoding.offsets[1], std::pair(std::size_t{1}, std::size_t{14}));
  EXPECT_EQ(builtin().find("<|endoftext|>"), end_of_text);
  EXPECT_EQ(builtin().token_text(*end_of_text), "<|endoftext|>");
}

TEST(Tokenizer, EveryTokenIsFoundByItsBytes) {
  for (std::size_t id = 0; id < builtin().vocab_size(); ++id) {
    const std::string bytes = builtin().token_bytes(static_cast<TokenId>(id));
    ASSERT_EQ(builtin().find(bytes), static_cast<TokenId>(id));
  }
  EXPECT_EQ(builtin().vocab_size(), 8192U);
  EXPECT_FALSE(builtin().find("").has_value());
  EXPECT_FALSE(builtin().find("no such token").has_value());
}

TEST(Tokenizer, PartsOfCharacters) {
  const Encoding encoding = builtin().encode("\u2603");
  ASSERT_EQ(encoding.ids.size(), 3U);
  EXPECT_EQ(builtin().token_bytes(encoding.ids[0]), "\xE2");
  EXPECT_EQ(builtin().token_text(encoding.ids[0]), "\uFFFD");
  EXPECT_EQ(builtin().decode(std::span(encoding.ids).first(2)), "\xE2\x98");
  EXPECT_EQ(encoding.offsets[1], std::pair(std::size_t{1}, std::size_t{2}));
}

TEST(Tokenizer, WrongIdsAndTextsAreRefused) {
  const std::array<TokenId, 2> ids = {5, 8192};
  EXPECT_THROW(builtin().decode(ids), Error);
  EXPECT_THROW(builtin().token_bytes(-1), Error);
  EXPECT_THROW(builtin().token_text(8192), Error);
  try {
    builtin().encode("fine until here: \xC3(");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(error.problem().find("byte offset 17"), std::string::npos) << error.what();
  }
}

TEST(Tokenizer, ThreadsShareOne) {
  const std::string text = read_text_file(kSource / "models" / "novella-7m" / "README.md");
  const std::vector<TokenId> expected = builtin().encode(text).ids;
  std::array<std::vector<TokenId>, 4> results;
  {
    std::vector<std::jthread> threads;
    threads.reserve(results.size());
    for (auto& result : results)
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) result = builtin().encode(text).ids;
      });
  }
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

TEST(Tokenizer, Moves) {
  Tokenizer first = Tokenizer::load(kSource / "models" / "novella-7m");
  const Tokenizer second = std::move(first);
  EXPECT_EQ(second.decode(second.encode(" Penguins").ids), " Penguins");
}

}  // namespace
}  // namespace stratoscope
