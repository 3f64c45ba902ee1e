// Good files; safetensors_forged_test.cpp has the bad ones.
#include "stratoscope/files/safetensors.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <utility>

#include "tests/base/error_text.h"
#include "tests/base/file_size_limit.h"
#include "tests/base/temporary_folder.h"
#include "tests/files/forged_file.h"

namespace stratoscope {
namespace {

using testing::bytes_of;
using testing::bytes_of_values;
using testing::error_text;
using testing::forged_safetensors;
using testing::holds;
using testing::TemporaryFolder;

std::vector<float> floats(const StoredTensor& tensor) {
  std::vector<float> values(element_count(tensor.shape));
  convert(tensor.dtype, tensor.bytes, std::span<float>(values));
  return values;
}

TEST(Safetensors, ReadsTensorsInAnyOrderWithTheirMetadata) {
  const TemporaryFolder folder;
  const std::vector<float> numbers = {1, 2, 3, 4, 5, 6, 7};
  const SafetensorsFile file(folder.file(
      "a.safetensors", forged_safetensors(R"({"late":{"dtype":"F32","shape":[1],"data_offsets":[24,28]},)"
                                          R"("__metadata__":{"format":"pt","note":"ä\n"},)"
                                          R"("early":{"data_offsets":[0,24],"shape":[2,3],"dtype":"F32"}}  )",
                                          bytes_of_values(numbers))));
  EXPECT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(file.at("early").shape, (Shape{2, 3}));
  EXPECT_EQ(floats(file.at("early")), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(floats(file.at("late")), std::vector<float>{7});
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"format", "pt"}, {"note", "ä\n"}}));
  EXPECT_TRUE(file.contains("late"));
  EXPECT_FALSE(file.contains("later"));
  EXPECT_EQ(file.path(), folder / "a.safetensors");
}

TEST(Safetensors, EveryTypeHasItsName) {
  const TemporaryFolder folder;
  for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16, DType::i64, DType::i32, DType::i16,
                            DType::i8, DType::u64, DType::u32, DType::u16, DType::u8, DType::boolean}) {
    const std::size_t size = 3 * size_of(dtype);
    const std::string header = R"({"x":{"dtype":")" + std::string(name_of(dtype)) +
                               R"(","shape":[3],"data_offsets":[0,)" + std::to_string(size) + "]}}";
    const SafetensorsFile file(folder.file("a", forged_safetensors(header, std::string(size, '\1'))));
    EXPECT_EQ(file.at("x").dtype, dtype);
    EXPECT_EQ(file.at("x").bytes.size(), size);
  }
}

TEST(Safetensors, TypesThatAreNotReadMayLieBesideTheOthers) {
  const TemporaryFolder folder;
  const std::vector<float> numbers = {1.5F, -2.25F};
  for (const char* type : {"F8_E4M3", "F8_E5M2", "F4", "C64", "I128", "F99", "f32", ""}) {
    const SafetensorsFile file(
        folder.file("a.safetensors", forged_safetensors(R"({"extra":{"dtype":")" + std::string(type) +
                                                            R"(","shape":[6],"data_offsets":[0,3]},)"
                                                            R"("x":{"dtype":"F32","shape":[2],"data_offsets":[3,11]}})",
                                                        "???" + bytes_of_values(numbers))));
    EXPECT_EQ(floats(file.at("x")), numbers) << type;
    EXPECT_EQ(file.tensors().at("extra").dtype, DType::unreadable);
    EXPECT_EQ(file.tensors().at("extra").type, type);
    EXPECT_TRUE(holds(error_text([&] { file.at("extra"); }), "a.safetensors: tensor 'extra' is stored as '" +
                                                                 std::string(type) + "', which is not read here"));
  }
}

TEST(Safetensors, MisalignedNumbersReadRight) {
  const TemporaryFolder folder;
  const std::vector<float> numbers = {1.5F, -2.25F};
  for (std::size_t padding = 0; padding < 4; ++padding) {
    const std::string header = R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                               R"("x":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})" +
                               std::string(padding, ' ');
    const SafetensorsFile file(folder.file("a", forged_safetensors(header, "?" + bytes_of_values(numbers))));
    EXPECT_EQ(floats(file.at("x")), numbers);
  }
}

TEST(Safetensors, EmptyTensorsScalarsAndNoTensorsAreValid) {
  const TemporaryFolder folder;
  const std::vector<float> seven = {7};
  const SafetensorsFile file(
      folder.file("a", forged_safetensors(R"({"none":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0]},)"
                                          R"("scalar":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                                          R"("no more":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}})",
                                          bytes_of_values(seven))));
  EXPECT_TRUE(file.at("none").bytes.empty());
  EXPECT_TRUE(file.at("no more").bytes.empty());
  EXPECT_TRUE(file.at("scalar").shape.empty());
  EXPECT_EQ(floats(file.at("scalar")), seven);
  EXPECT_TRUE(SafetensorsFile(folder.file("b", forged_safetensors("{}", ""))).tensors().empty());
}

TEST(Safetensors, TheTensorsStayWhereTheyAreWhenTheFileMoves) {
  const TemporaryFolder folder;
  const std::vector<float> seven = {7};
  SafetensorsFile first(folder.file(
      "a", forged_safetensors(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", bytes_of_values(seven))));
  const std::byte* address = first.at("x").bytes.data();
  const SafetensorsFile second = std::move(first);
  EXPECT_EQ(second.at("x").bytes.data(), address);
  EXPECT_EQ(floats(second.at("x")), seven);
}

TEST(Safetensors, AMissingTensorIsNamedWithItsNeighbours) {
  const TemporaryFolder folder;
  const SafetensorsFile file(folder.file(
      "a.safetensors", forged_safetensors(R"({"wte.weight":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", "")));
  const std::string text = error_text([&] { file.at("wte.wieght"); });
  EXPECT_TRUE(holds(text, "a.safetensors: has no tensor 'wte.wieght'; did you mean 'wte.weight'?"));
}

TEST(WriteSafetensors, WritesTheFormatAsItIsDescribed) {
  const TemporaryFolder folder;
  const std::vector<std::int64_t> ids = {5, -1};
  const std::vector<float> none;
  write_safetensors(folder / "a.safetensors", std::vector{array_view("z", ids, {2}), array_view("a.b/c", none, {0, 4})},
                    {{"text", "“cute”"}});
  const std::string bytes = bytes_of(folder / "a.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0U);
  const std::string header = bytes.substr(8, length);
  EXPECT_EQ(header.substr(0, header.find_last_not_of(' ') + 1),
            R"({"__metadata__":{"text":"“cute”"},"z":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},)"
            R"("a.b/c":{"dtype":"F32","shape":[0,4],"data_offsets":[16,16]}})");
  EXPECT_EQ(bytes.substr(8 + length), bytes_of_values(ids));
  EXPECT_EQ(folder.entry_count(), 1U);
}

TEST(WriteSafetensors, WhatIsWrittenIsReadBack) {
  const TemporaryFolder folder;
  const std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
  const std::vector<double> scalar = {0.1};
  const std::vector<ArrayView> arrays = {array_view("numbers", numbers, {3, 2}), array_view("scalar", scalar, {}),
                                         array_view("a \"quoted\"\nname", numbers, {6})};
  write_safetensors(folder / "a", arrays, {{"key", "value"}});
  write_safetensors(folder / "b", arrays, {{"key", "value"}});
  EXPECT_EQ(bytes_of(folder / "a"), bytes_of(folder / "b"));
  const SafetensorsFile file(folder / "a");
  EXPECT_EQ(file.tensors().size(), 3U);
  EXPECT_EQ(file.metadata().at("key"), "value");
  EXPECT_EQ(floats(file.at("numbers")), numbers);
  EXPECT_EQ(file.at("numbers").shape, (Shape{3, 2}));
  EXPECT_EQ(file.at("scalar").dtype, DType::f64);
  EXPECT_EQ(file.at("scalar").bytes.size(), 8U);
  EXPECT_EQ(floats(file.at("a \"quoted\"\nname")), numbers);
}

TEST(WriteSafetensors, RefusesWhatTheFormatCannotHold) {
  const TemporaryFolder folder;
  const std::vector<float> one = {1};
  const auto text_for = [&](const std::vector<ArrayView>& arrays, const std::map<std::string, std::string>& metadata) {
    return error_text([&] { write_safetensors(folder / "a", arrays, metadata); });
  };
  EXPECT_TRUE(holds(text_for({array_view("x", one, {1}), array_view("x", one, {1})}, {}), "two arrays are called 'x'"));
  EXPECT_TRUE(holds(text_for({array_view("__metadata__", one, {1})}, {}), "no tensor may be called '__metadata__'"));
  EXPECT_TRUE(holds(text_for({array_view("\xFF", one, {1})}, {}), "is not UTF-8"));
  EXPECT_TRUE(holds(text_for({}, {{"text", "\xC3"}}), "is not UTF-8"));
  ArrayView wrong = array_view("x", one, {1});
  wrong.shape = {2};
  EXPECT_TRUE(holds(text_for({wrong}, {}), "array 'x' has 4 bytes, but its shape is [2] of F32"));
  EXPECT_EQ(folder.entry_count(), 0U);
}

TEST(WriteSafetensors, AFullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  folder.file("a", "old");
  const std::vector<float> numbers(10000);
  const std::string text = error_text([&] {
    const testing::FileSizeLimit limit(8192);
    write_safetensors(folder / "a", std::vector{array_view("x", numbers, {10000})});
  });
  EXPECT_TRUE(holds(text, "a: cannot be written: File too large"));
  EXPECT_EQ(bytes_of(folder / "a"), "old");
  EXPECT_EQ(folder.entry_count(), 1U);
}

}  // namespace
}  // namespace stratoscope
