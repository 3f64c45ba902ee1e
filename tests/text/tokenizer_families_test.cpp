// The same ids and texts as npm tokenizers: for small tokenizers of every step, and for published
// vocabularies; tests/oracle/tokenizer/families.js wrote the expectations.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "stratoscope/text/tokenizer.h"
#include "stratoscope/text/utf8.h"
#include "tests/text/sentencepiece_file.h"
#include "tests/text/tokenizer_oracle.h"

namespace stratoscope {
namespace {

using Ids = std::vector<TokenId>;

class TokenizerFamilies : public TokenizerOracle {};

Ids read_ids(OracleReader& reader) {
  Ids ids(reader.number());
  for (TokenId& id : ids) id = static_cast<TokenId>(reader.number());
  return ids;
}

// The offsets cover the text without gaps if it has tokens.
void expect_tiled(const Encoding& encoding, std::size_t size) {
  std::size_t at = 0;
  for (const auto& [begin, end] : encoding.offsets) {
    ASSERT_EQ(begin, at);
    ASSERT_LE(begin, end);
    at = end;
  }
  if (!encoding.ids.empty()) {
    ASSERT_EQ(at, size);
  }
}

std::string spelled(const Ids& ids) {
  std::string text;
  for (const TokenId id : ids) text += std::to_string(id) + " ";
  return text;
}

std::size_t expect_cases(const std::filesystem::path& folder) {
  const Tokenizer tokenizer = Tokenizer::load(folder);
  OracleReader reader(folder / "cases");
  Ids around = tokenizer.added_before();
  around.insert(around.end(), tokenizer.added_after().begin(), tokenizer.added_after().end());
  EXPECT_EQ(around, read_ids(reader));
  std::size_t cases = 0, wrong = 0;
  for (; !reader.at_end() && wrong < 5; ++cases) {
    const std::string text(reader.take(reader.number()));
    const Ids expected = read_ids(reader);
    const std::string_view decoded = reader.take(reader.number());
    const Encoding encoding = tokenizer.encode(text);
    expect_tiled(encoding, text.size());
    if (encoding.ids != expected) {
      ++wrong;
      ADD_FAILURE() << "'" << text << "' has the ids " << spelled(encoding.ids) << "and not " << spelled(expected);
    } else if (const std::string own = sanitize_utf8(tokenizer.decode(expected)); own != decoded) {
      ++wrong;
      ADD_FAILURE() << "'" << text << "' comes back as '" << own << "' and not as '" << decoded << "'";
    }
    std::string whole;
    for (const TokenId id : expected) whole += tokenizer.token_bytes(id);
    EXPECT_EQ(tokenizer.decode_continuation(expected), whole);
  }
  return cases;
}

TEST_F(TokenizerFamilies, EveryStepAndPublishedVocabularies) {
  const std::set<std::string> published = {"llama2", "llama3", "gemma3", "qwen3", "deepseek_v3", "gptoss"};
  std::set<std::string> compared;
  for (const auto& entry : std::filesystem::directory_iterator(kOracle / "families")) {
    const std::string name = entry.path().filename();
    SCOPED_TRACE(name);
    EXPECT_GE(expect_cases(entry.path()), published.contains(name) ? 1500U : 300U);
    compared.insert(name);
  }
  EXPECT_GT(compared.size(), 70U);
  for (const std::string& name : published)
    if (!compared.contains(name)) std::printf("NOT COMPARED with npm tokenizers: the vocabulary %s\n", name.c_str());
}

// Llama 2's tokenizer.model again, of the tokens in its tokenizer.json: a token's score is the place of its first
// merge.
std::string llama2_model(const nlohmann::json& model) {
  using namespace sentencepiece;
  std::map<std::string, float> scores;
  for (const auto& merge : model.at("merges")) {
    auto product = merge.get<std::string>();
    product.erase(product.find(' '), 1);
    scores.emplace(product, -static_cast<float>(scores.size()));
  }
  std::map<int, std::string> tokens;
  for (const auto& [token, id] : model.at("vocab").items()) tokens.emplace(id.get<int>(), token);
  std::string bytes;
  for (const auto& [id, token] : tokens) {
    const Type type = id == 0 ? kUnknown : id < 3 ? kControl : token.starts_with("<0x") ? kByte : kNormal;
    const auto scored = scores.find(token);
    bytes += piece(token, scored == scores.end() ? -1e6F : scored->second, type);
  }
  return bytes + trainer(kBpe, true) + normalizer(true, false);
}

TEST_F(TokenizerFamilies, Llama2FromTokenizerModel) {
  const auto from = kOracle / "families" / "llama2", folder = kOracle / "llama2_model";
  if (!std::filesystem::exists(from)) GTEST_SKIP() << "NOT COMPARED with npm tokenizers: the vocabulary llama2";
  const auto json = nlohmann::json::parse(read_text_file(from / "tokenizer.json"));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "tokenizer.model", std::ios::binary) << llama2_model(json.at("model"));
  std::filesystem::copy_file(from / "cases", folder / "cases", std::filesystem::copy_options::overwrite_existing);
  EXPECT_GE(expect_cases(folder), 1500U);
}

}  // namespace
}  // namespace stratoscope
