#include "stratoscope/hub/fingerprint.h"

#include <gtest/gtest.h>

#include <cstddef>

namespace stratoscope {
namespace {

using Tensors = std::vector<std::pair<std::string, StoredTensor>>;

StoredTensor bytes_tensor(const std::vector<std::byte>& bytes, std::string type = "F32") {
  return {DType::f32, std::move(type), {bytes.size() / 4}, bytes};
}

// XXH3's published values of seed 0.
TEST(FingerprintOf, TextAloneIsHashedByXxh3) {
  EXPECT_EQ(fingerprint_of("", {}), "2d06800538d394c2");
  EXPECT_EQ(fingerprint_of("a", {}), "e6c632b61e964e1f");
  EXPECT_EQ(fingerprint_of("abc", {}), "78af5f94892f3950");
}

TEST(FingerprintOf, NamesTypesShapesNumbersAndOrderCount) {
  const std::vector<std::byte> zeros(64), ones(64, std::byte{1});
  const Tensors two = {{"a", bytes_tensor(zeros)}, {"b", bytes_tensor(ones)}};
  const std::string hash = fingerprint_of("{}", two);
  const auto differs = [&](const auto& change) {
    Tensors changed = two;
    change(changed);
    return fingerprint_of("{}", changed) != hash;
  };
  EXPECT_FALSE(differs([](Tensors&) {}));
  EXPECT_NE(fingerprint_of("{ }", two), hash);
  EXPECT_TRUE(differs([](Tensors& t) { t[0].first = "c"; }));
  EXPECT_TRUE(differs([](Tensors& t) { t[0].second.type = "I32"; }));
  EXPECT_TRUE(differs([](Tensors& t) { t[0].second.shape = {4, 4}; }));
  EXPECT_TRUE(differs([&](Tensors& t) { t[0].second.bytes = ones; }));
  EXPECT_TRUE(differs([](Tensors& t) { std::swap(t[0], t[1]); }));
  EXPECT_TRUE(differs([](Tensors& t) { t.pop_back(); }));
}

TEST(FingerprintOf, ALargeTensorIsReadInEvenlySpacedPiecesFromItsFirstByteToItsLast) {
  constexpr std::size_t kPiece = 4096, kAll = 16 * kPiece;
  const auto counts = [](std::size_t size, std::size_t byte) {
    std::vector<std::byte> bytes(size), changed(size);
    changed[byte] = std::byte{1};
    return fingerprint_of("", Tensors{{"a", bytes_tensor(bytes)}}) !=
           fingerprint_of("", Tensors{{"a", bytes_tensor(changed)}});
  };
  for (std::size_t byte = 0; byte < kAll; byte += 1000) EXPECT_TRUE(counts(kAll, byte)) << byte;
  constexpr std::size_t kLarge = 15 * 2 * kPiece + kPiece;  // every second piece is read
  for (std::size_t piece = 0; piece < 31; ++piece)
    for (const std::size_t byte : {piece * kPiece, (piece + 1) * kPiece - 1})
      EXPECT_EQ(counts(kLarge, byte), piece % 2 == 0) << byte;
}

}  // namespace
}  // namespace stratoscope
