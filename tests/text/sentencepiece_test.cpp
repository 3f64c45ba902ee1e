// tokenizer.model files, written field by field, and the errors of broken ones: through Tokenizer::load.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/text/tokenizer.h"
#include "tests/base/temporary_folder.h"
#include "tests/text/sentencepiece_file.h"

namespace stratoscope {
namespace {

using namespace sentencepiece;
using Ids = std::vector<TokenId>;

// Ids: <unk> 0, <s> 1, </s> 2, <0x00>… 3…258 with bytes, then the rest.
std::string begin(bool bytes) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string model = piece("<unk>", 0, kUnknown) + piece("<s>", 0, kControl) + piece("</s>", 0, kControl);
  for (int byte = 0; bytes && byte < 256; ++byte)
    model += piece(std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + ">", 0, kByte);
  return model;
}

class SentencePiece : public ::testing::Test {
 protected:
  Tokenizer load(const std::string& model) {
    folder_.file("tokenizer.model", model);
    return Tokenizer::load(folder_.path());
  }
  void expect_refused(const std::string& model, const std::string& words) {
    try {
      load(model);
      ADD_FAILURE() << "accepted, but should say: " << words;
    } catch (const Error& error) {
      const std::string said = error.what();
      EXPECT_NE(said.find(words), std::string::npos) << said;
      EXPECT_NE(said.find((folder_.path() / "tokenizer.model").string()), std::string::npos) << said;
    }
  }
  testing::TemporaryFolder folder_;
};

// ▁ 259, a 260, b 261, c 262, ab 263, ▁ab 264, bc 265, <x> 266.
std::string small_bpe(const std::string& end = trainer(kBpe, true) + normalizer(true, false)) {
  return begin(true) + piece("\u2581", -10) + piece("a", -11) + piece("b", -12) + piece("c", -13) + piece("ab", -2) +
         piece("\u2581ab", -3) + piece("bc", -1) + piece("<x>", 0, kUserDefined) + end;
}

TEST_F(SentencePiece, BytePairs) {
  const Tokenizer tokenizer = load(small_bpe());
  EXPECT_EQ(tokenizer.encode("ab").ids, (Ids{264}));
  EXPECT_EQ(tokenizer.encode("abc ab").ids, (Ids{259, 260, 265, 264}));  // the best score first
  EXPECT_EQ(tokenizer.encode("\u00e9<x>b</s>").ids, (Ids{259, 3 + 0xC3, 3 + 0xA9, 266, 259, 261, 2}));
  EXPECT_EQ(tokenizer.decode(Ids{264, 264}), "ab ab");
  EXPECT_EQ(tokenizer.decode_continuation(Ids{264, 264}), " ab ab");
  EXPECT_EQ(tokenizer.encode_continuation("ab").ids, (Ids{263}));  // no space is put first
  EXPECT_EQ(tokenizer.encode_continuation(" ab").ids, (Ids{264}));
  EXPECT_EQ(tokenizer.token_bytes(3 + 0xC3), "\xC3");
  EXPECT_EQ(tokenizer.find(" ab"), 264);
  EXPECT_EQ(tokenizer.find("\xC3"), 3 + 0xC3);
  EXPECT_EQ(tokenizer.added_before(), Ids{1});
  EXPECT_EQ(tokenizer.named_beginning(), 1);
  EXPECT_EQ(tokenizer.end_of_text(), 2);
}

TEST_F(SentencePiece, OffsetsCoverWhatATokenCameFrom) {
  const Tokenizer tokenizer = load(small_bpe());
  using Offsets = std::vector<std::pair<std::size_t, std::size_t>>;
  EXPECT_EQ(tokenizer.encode("ab ab").offsets, (Offsets{{0, 2}, {2, 5}}));
  EXPECT_EQ(tokenizer.encode("\u00e9").offsets, (Offsets{{0, 0}, {0, 1}, {1, 2}}));
  EXPECT_EQ(tokenizer.encode("<x>b").offsets, (Offsets{{0, 3}, {3, 3}, {3, 4}}));
}

TEST_F(SentencePiece, TheConfigurationBesideIt) {
  folder_.file("tokenizer_config.json", R"({"add_bos_token": false, "add_eos_token": true, "eos_token": "</s>"})");
  const Tokenizer tokenizer = load(small_bpe());
  EXPECT_TRUE(tokenizer.added_before().empty());
  EXPECT_EQ(tokenizer.added_after(), Ids{2});
}

TEST_F(SentencePiece, WithoutASpaceFirstAndWithExtraSpacesRemoved) {
  EXPECT_EQ(load(small_bpe(trainer(kBpe, true) + normalizer(false, false))).encode("ab  ab").ids, (Ids{263, 259, 264}));
  EXPECT_EQ(load(small_bpe(trainer(kBpe, true) + normalizer(true, true))).encode("  ab   ab ").ids, (Ids{264, 264}));
}

TEST_F(SentencePiece, Unigram) {
  const std::string end = trainer(kUnigram, false) + normalizer(false, false);
  const Tokenizer tokenizer = load(begin(false) + piece("a", -1) + piece("b", -1) + piece("c", -1.5F) +
                                   piece("ab", -1.25F) + piece("bc", -0.5F) + end);
  EXPECT_EQ(tokenizer.encode("abc").ids, (Ids{3, 7}));  // a bc: -1.5; ab c: -2.75
  EXPECT_EQ(tokenizer.encode("xxab").ids, (Ids{0, 6}));
  EXPECT_EQ(tokenizer.encode("xxab").offsets[0].second, 2U);
}

TEST_F(SentencePiece, WhatIsNotImplementedIsRefusedByName) {
  expect_refused(small_bpe(trainer(kBpe, true) + normalizer(true, false, "nmt_nfkc")), "'nmt_nfkc' is not implemented");
  expect_refused(small_bpe(bytes_field(2, number_field(3, 4))), "of words or characters");
  expect_refused(small_bpe(bytes_field(2, number_field(3, kBpe) + number_field(24, 1))), "as a suffix");
  expect_refused(begin(false) + piece("<0x00>", 0, kByte) + trainer(kBpe, true), "needs all 256 bytes");
}

TEST_F(SentencePiece, BrokenFilesAreRefused) {
  expect_refused("", "no pieces");
  expect_refused("{\"model\": {}}", "not a SentencePiece model");
  expect_refused(piece("", 0), "piece 0 is empty");
  expect_refused(piece(std::string(600, 'a'), 0), "longer than 512 bytes");
  expect_refused(piece("\xFF", 0), "not UTF-8");
  expect_refused(piece("a", std::numeric_limits<float>::quiet_NaN()), "a score that is not a number");
  expect_refused(piece("a", 0) + piece("a", 0) + trainer(kBpe, false), "listed twice");
  expect_refused(varint(1 << 3 | 2) + varint(std::uint64_t{1} << 60) + "a", "truncated");
  expect_refused(std::string(12, '\xFF'), "invalid field of a protocol buffer");
  expect_refused(bytes_field(1, real_field(1, 0)), "piece 0");
}

// Truncated at any byte: one error line, or a vocabulary that is a part of the whole.
TEST_F(SentencePiece, CutAnywhere) {
  const std::string whole = small_bpe();
  for (std::size_t size = 0; size < whole.size(); size += 1 + size / 50) try {
      const Tokenizer tokenizer = load(whole.substr(0, size));
      EXPECT_LE(tokenizer.vocab_size(), 267U);
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
}

}  // namespace
}  // namespace stratoscope
