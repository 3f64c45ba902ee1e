// Arrays written piece by piece give the same file, byte for byte, as whole arrays.
#include "stratoscope/files/array_writer.h"

#include <gtest/gtest.h>

#include <numeric>

#include "stratoscope/files/save_arrays.h"
#include "tests/base/temporary_folder.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using testing::bytes_of;
using testing::TemporaryFolder;

class InPieces : public ::testing::TestWithParam<const char*> {};

TEST_P(InPieces, TheSameFile) {
  const TemporaryFolder folder;
  std::vector<float> numbers(24);
  std::iota(numbers.begin(), numbers.end(), 1.0F);
  const std::vector<std::int64_t> ids = {5, 6, 7};
  const std::vector<ArrayView> arrays = {array_view("ids", std::span<const std::int64_t>(ids), {3}),
                                         array_view("numbers", std::span<const float>(numbers), {2, 3, 4}),
                                         array_view("none", std::span<const float>(), {0, 4})};
  const auto whole = folder / ("whole" + std::string(GetParam())),
             pieces = folder / ("pieces" + std::string(GetParam()));
  save_arrays(whole, arrays, {{"made", "here"}});
  ArrayWriter writer(pieces, plans_of(arrays), {{"made", "here"}});
  const auto bytes = std::as_bytes(std::span(numbers));
  writer.write(1, 40, bytes.subspan(40));
  writer.write(0, 0, std::as_bytes(std::span(ids)).first(8));
  writer.write(1, 0, bytes.first(40));
  writer.write(0, 8, std::as_bytes(std::span(ids)).subspan(8));
  writer.commit();
  EXPECT_EQ(bytes_of(pieces), bytes_of(whole));
}

TEST_P(InPieces, NothingWithoutCommit) {
  const TemporaryFolder folder;
  {
    ArrayWriter writer(folder / ("a" + std::string(GetParam())), {{"a", DType::f32, {4}}});
    writer.write(0, 0, std::as_bytes(std::span("12345678", 8)));
  }
  EXPECT_EQ(folder.entry_count(), 0U);
}

TEST_P(InPieces, WhatDoesNotFit) {
  const TemporaryFolder folder;
  const auto path = folder / ("a" + std::string(GetParam()));
  {
    ArrayWriter writer(path, {{"a", DType::f32, {2}}});
    const std::string_view nine = "123456789";
    EXPECT_TRUE(test::refuses([&] { writer.write(0, 0, std::as_bytes(std::span(nine))); }, "'a' has 8 bytes"));
    EXPECT_TRUE(test::refuses([&] { writer.write(0, 9, {}); }, "'a' has 8 bytes"));
  }
  EXPECT_TRUE(test::refuses([&] { ArrayWriter(folder / "a.txt", {{"a", DType::f32, {2}}}); }, ".safetensors or .npz"));
  EXPECT_TRUE(test::refuses(
      [&] {
        ArrayWriter(path, {{"a", DType::f32, {2}}, {"a", DType::f32, {2}}}).commit();
      },
      "a"));
  EXPECT_TRUE(test::refuses(
      [&] {
        ArrayWriter(path, {{"a", DType::f32, {std::size_t{1} << 55}}});
      },
      "cannot be written"));
  EXPECT_EQ(folder.entry_count(), 0U);
}

INSTANTIATE_TEST_SUITE_P(ArrayWriter, InPieces, ::testing::Values(".safetensors", ".npz"));

}  // namespace
}  // namespace stratoscope
