// The same ids and offsets as npm tokenizers; tests/oracle/tokenizer/oracle.js wrote the expected values.
#include "tests/text/tokenizer_oracle.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/mapped_file.h"
#include "stratoscope/text/regular_expression.h"
#include "stratoscope/text/tokenizer.h"
#include "stratoscope/text/utf8.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

const std::filesystem::path kBuiltin = std::filesystem::path(STRATOSCOPE_SOURCE_DIR) / "models" / "novella-7m";

struct Token {
  std::uint32_t id, first, end;  // characters, as Hugging Face counts: a split character is in each of its tokens
  bool operator==(const Token&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Token& token) {
  return out << token.id << " [" << token.first << ", " << token.end << ")";
}

// The index of the character that each byte belongs to.
std::vector<std::uint32_t> characters_of_bytes(std::string_view text) {
  std::vector<std::uint32_t> characters;
  std::uint32_t next = 0;
  for (const char byte : text)
    characters.push_back((static_cast<unsigned char>(byte) & 0xC0) == 0x80 ? next - 1 : next++);
  return characters;
}

std::vector<Token> tokens_of(const Tokenizer& tokenizer, std::string_view text) {
  const Encoding encoding = tokenizer.encode(text);
  const std::vector<std::uint32_t> characters = characters_of_bytes(text);
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    const auto [begin, end] = encoding.offsets[i];
    tokens.push_back({static_cast<std::uint32_t>(encoding.ids[i]), characters[begin], characters[end - 1] + 1});
  }
  return tokens;
}

void expect_cases(const Tokenizer& tokenizer, const std::filesystem::path& file) {
  OracleReader reader(file);
  std::size_t cases = 0;
  for (; !reader.at_end(); ++cases) {
    const std::string text(reader.take(reader.number()));
    std::vector<Token> expected(reader.number());
    for (Token& token : expected) token = {reader.number(), reader.number(), reader.number()};
    ASSERT_EQ(tokens_of(tokenizer, text), expected) << "case " << cases << ": " << text;
  }
  EXPECT_GT(cases, 20000U);
}

TEST_F(TokenizerOracle, Gpt2FromVocabAndMerges) {
  expect_cases(Tokenizer::load(kOracle / "gpt2"), kOracle / "gpt2.cases");
}

TEST_F(TokenizerOracle, Gpt2FromTokenizerJson) {
  expect_cases(Tokenizer::load(kOracle / "gpt2_json"), kOracle / "gpt2.cases");
}

TEST_F(TokenizerOracle, Gpt2WithOverlappingAddedTokens) {
  expect_cases(Tokenizer::load(kOracle / "gpt2_added"), kOracle / "gpt2_added.cases");
}

TEST_F(TokenizerOracle, BuiltinModel) { expect_cases(Tokenizer::load(kBuiltin), kOracle / "builtin.cases"); }

// Ids and the word that each belongs to, as oracle.js hashes them. GPT-2's expression matches everything.
std::uint32_t hash_of(const Tokenizer& tokenizer, const RegularExpression& words, std::string_view text) {
  const Encoding encoding = tokenizer.encode(text);
  RegularExpression::Search search(words, text);
  search.set_part(0, text.size());
  std::size_t word_end = search.next().value().second;
  std::uint32_t hash = 0x811c9dc5, word = 0;
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    if (encoding.offsets[i].first == word_end) {
      word_end = search.next().value().second;
      ++word;
    }
    hash = (hash ^ static_cast<std::uint32_t>(encoding.ids[i])) * 0x01000193;
    hash = (hash ^ word) * 0x01000193;
  }
  return hash;
}

TEST_F(TokenizerOracle, EveryCodePoint) {
  const Tokenizer tokenizer = Tokenizer::load(kOracle / "gpt2");
  const RegularExpression words(kGpt2WordPattern);
  OracleReader reader(kOracle / "code_points.hashes");
  std::string wrong;
  std::size_t wrong_count = 0;
  for (char32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    if (code_point == 0xD800) code_point = 0xE000;
    const auto expected = reader.number();
    if (test::kWatched && code_point % 16 > 0) continue;
    std::string c;
    append_utf8(c, code_point);
    std::string text;
    for (const char* before : {"a", "1", " ", "!", "'t  ", "x\n"}) text.append(before).append(c);
    if (hash_of(tokenizer, words, text) == expected) continue;
    if (++wrong_count <= 20) wrong += " " + std::to_string(static_cast<std::uint32_t>(code_point));
  }
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(wrong_count, 0U) << "code points that split or encode differently:" << wrong;
}

}  // namespace
}  // namespace stratoscope
