// Bad files: each is refused with an Error that names the file and the fault.
#include <gtest/gtest.h>

#include <ostream>
#include <vector>

#include "stratoscope/files/safetensors.h"
#include "tests/base/error_text.h"
#include "tests/base/temporary_folder.h"
#include "tests/files/forged_file.h"

namespace stratoscope {
namespace {

using testing::error_text;
using testing::forged_safetensors;
using testing::holds;
using testing::little_endian;
using testing::TemporaryFolder;

struct Forged {
  std::string name, bytes, problem;
};
std::ostream& operator<<(std::ostream& stream, const Forged& forged) { return stream << forged.name; }

std::string repeated(const std::string& text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

// A file whose one tensor "x" has this entry, and `size` bytes of data.
std::string with_entry(const std::string& entry, std::size_t size = 8) {
  return forged_safetensors(R"({"x":)" + entry + "}", std::string(size, '\0'));
}
std::string with_shape(const std::string& shape, std::size_t size = 8) {
  return with_entry(R"({"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,)" + std::to_string(size) + "]}",
                    size);
}
std::string with_offsets(const std::string& offsets, std::size_t size = 8) {
  return with_entry(R"({"dtype":"F32","shape":[2],"data_offsets":)" + offsets + "}", size);
}
// Two tensors of eight bytes at these offsets.
std::string with_pair(const std::string& first, const std::string& second, std::size_t size) {
  const std::string begin = R"({"dtype":"F32","shape":[2],"data_offsets":)";
  return forged_safetensors(R"({"x":)" + begin + first + R"(},"y":)" + begin + second + "}}", std::string(size, '\0'));
}
std::string with_header(const std::string& header) { return forged_safetensors(header, ""); }

std::vector<Forged> forged_lengths() {
  return {
      {"empty", "", "has 0 bytes, fewer than the 8"},
      {"seven_bytes", "1234567", "has 7 bytes, fewer than the 8"},
      {"no_header", with_header(""), "header does not begin with '{'"},
      {"header_beyond_file", little_endian(3, 8) + "{}", "header of 3 bytes does not fit into the file of 10"},
      {"header_beyond_cap", little_endian(100'000'001, 8) + "{}", "header of 100000001 bytes is longer"},
      {"header_length_negative", little_endian(~0ULL, 8) + "{}", "header of 18446744073709551615 bytes is longer"},
      {"not_safetensors", "PK\3\4" + std::string(100, '\0'), "header of 67324752 bytes does not fit"},
  };
}

std::vector<Forged> forged_json() {
  return {
      {"truncated", with_header(R"({"x":{"dtype":"F32")"), "header is not valid JSON in UTF-8 (at its byte 20)"},
      {"only_a_brace", with_header("{"), "header is not valid JSON"},
      {"a_list", with_header("[]"), "header does not begin with '{'"},
      {"leading_space", with_header(" {}"), "header does not begin with '{'"},
      {"byte_order_mark", with_header("\xEF\xBB\xBF{}"), "header does not begin with '{'"},
      {"two_documents", with_header("{}{}"), "header is not valid JSON"},
      {"nul_after_the_end", with_header(std::string("{}\0garbage", 10)), "header holds a NUL (at its byte 2)"},
      {"trailing_comma", with_header(R"({"__metadata__":{},})"), "header is not valid JSON"},
      {"nested_lists", with_header(R"({"x":)" + std::string(100'000, '[')), "'x' should be an object but is a list"},
      {"nested_in_shape", with_shape(std::string(100'000, '[')), "shape of tensor 'x' should be a list of whole"},
      {"nested_objects", with_header(R"({"x":)" + repeated(R"({"dtype":)", 100'000)),
       "dtype of tensor 'x' should be a string but is an object"},
      {"name_not_utf8", with_header("{\"\xFF\":{}}"), "header is not valid JSON in UTF-8"},
      {"name_half_surrogate", with_header(R"({"\ud800":{}})"), "header is not valid JSON in UTF-8"},
      {"name_overlong_utf8", with_header("{\"\xC0\xAF\":{}}"), "header is not valid JSON in UTF-8"},
      {"name_twice",
       forged_safetensors(R"({"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                          R"("x":{"dtype":"F32","shape":[],"data_offsets":[4,8]}})",
                          std::string(8, '\0')),
       "'x' occurs twice in the header"},
      {"metadata_twice", with_header(R"({"__metadata__":{},"__metadata__":{}})"), "'__metadata__' occurs twice"},
      {"metadata_key_twice", with_header(R"({"__metadata__":{"a":"1","a":"2"}})"),
       "'a' occurs twice in '__metadata__'"},
      {"metadata_a_number", with_header(R"({"__metadata__":{"a":1}})"), "metadata 'a' should be a string but is 1"},
      {"metadata_nested", with_header(R"({"__metadata__":{"a":{}}})"), "metadata 'a' should be a string"},
      {"metadata_a_list", with_header(R"({"__metadata__":[]})"), "'__metadata__' should be an object but is a list"},
      {"metadata_null", with_header(R"({"__metadata__":null})"), "'__metadata__' should be an object but is null"},
  };
}

std::vector<Forged> forged_entries() {
  return {
      {"entry_number", with_entry("5"), "'x' should be an object but is 5"},
      {"entry_negative", with_entry("-5"), "'x' should be an object but is -5"},
      {"entry_string", with_entry("\"F32\""), "'x' should be an object but is 'F32'"},
      {"entry_true", with_entry("true"), "'x' should be an object but is true or false"},
      {"entry_empty", with_entry("{}"), "tensor 'x' lacks dtype"},
      {"no_shape", with_entry(R"({"dtype":"F32","data_offsets":[0,8]})"), "tensor 'x' lacks shape"},
      {"no_offsets", with_entry(R"({"dtype":"F32","shape":[2]})"), "tensor 'x' lacks data_offsets"},
      {"field_twice", with_entry(R"({"dtype":"F32","dtype":"F32"})"), "'dtype' occurs twice in 'x'"},
      {"unknown_field", with_entry(R"({"dtype":"F32","stride":[1]})"), "tensor 'x' has the unknown key 'stride'"},
      {"dtype_unsigned_too_small", with_entry(R"({"dtype":"U16","shape":[2],"data_offsets":[0,8]})"), "needs 4 bytes"},
      {"unread_backwards", with_entry(R"({"dtype":"F8_E4M3","shape":[8],"data_offsets":[8,0]})"), "end before they"},
      {"unread_beyond", with_entry(R"({"dtype":"F8_E4M3","shape":[9],"data_offsets":[0,9]})"), "reaches beyond"},
      {"unread_hole", with_entry(R"({"dtype":"F8_E4M3","shape":[4],"data_offsets":[4,8]})"), "belong to no tensor"},
      {"unread_left_over", with_entry(R"({"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]})"), "its tensors end at"},
      {"unread_overflows", with_entry(R"({"dtype":"C64","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
       "has more elements"},
      {"unread_without_shape", with_entry(R"({"dtype":"C64","data_offsets":[0,8]})"), "lacks shape"},
      {"dtype_number", with_entry(R"({"dtype":32})"), "dtype of tensor 'x' should be a string but is 32"},
      {"dtype_list", with_entry(R"({"dtype":["F32"]})"), "dtype of tensor 'x' should be a string but is a list"},
      {"shape_number", with_shape("2"), "shape of tensor 'x' should be a list of whole numbers from 0 up but is 2"},
      {"shape_string", with_shape("\"2\""),
       "shape of tensor 'x' should be a list of whole numbers from 0 up but is '2'"},
      {"shape_negative", with_shape("[-2]"),
       "shape of tensor 'x' should be a list of whole numbers from 0 up but holds -2"},
      {"shape_fraction", with_shape("[2.0]"), "but holds '2.0'"},
      {"shape_beyond_64_bits", with_shape("[18446744073709551616]"), "but holds '18446744073709551616'"},
      {"shape_holds_text", with_shape("[\"2\"]"), "but holds '2'"},
      {"shape_overflows", with_shape("[4294967296,4294967296]"),
       "tensor 'x': shape [4294967296, 4294967296] has more elements"},
      {"bytes_overflow", with_shape("[4611686018427387904]"), "tensor 'x': shape [4611686018427387904] has more bytes"},
      {"shape_of_many_axes", with_shape("[" + repeated("1,", 99) + "1]"), "shape of tensor 'x' has more than 32"},
      {"shape_too_large", with_shape("[3]"), "F32 [3] needs 12 bytes, but its data_offsets [0, 8) hold 8"},
      {"shape_too_small", with_shape("[1]"), "F32 [1] needs 4 bytes, but its data_offsets [0, 8) hold 8"},
      {"offsets_number", with_offsets("8"),
       "data_offsets of tensor 'x' should be a list of whole numbers from 0 up but is 8"},
      {"offsets_one", with_offsets("[8]"), "data_offsets of tensor 'x' should be two numbers but are 1"},
      {"offsets_three", with_offsets("[0,8,8]"), "data_offsets of tensor 'x' should be two numbers but are 3"},
      {"offsets_negative", with_offsets("[-8,0]"), "data_offsets of tensor 'x' should be a list of whole numbers"},
      {"offsets_fraction", with_offsets("[0,8.5]"), "but holds '8.5'"},
      {"offsets_backwards", with_offsets("[8,0]"), "tensor 'x' has data_offsets [8, 0), which end before they begin"},
      {"offsets_beyond", with_offsets("[0,8]", 7), "tensor 'x' at [0, 8) reaches beyond the data of 7 bytes"},
      {"offsets_far_beyond", with_offsets("[18446744073709551607,18446744073709551615]"), "reaches beyond the data"},
      {"data_left_over", with_offsets("[0,8]", 9), "the data has 9 bytes, but its tensors end at 8"},
      {"data_without_tensors", forged_safetensors("{}", "x"), "the data has 1 bytes, but its tensors end at 0"},
      {"hole_first", with_offsets("[1,9]", 9), "bytes 0 to 1 of the data, before tensor 'x', belong to no tensor"},
      {"hole_between", with_pair("[0,8]", "[12,20]", 20), "bytes 8 to 12 of the data, before tensor 'y', belong to no"},
      {"overlap", with_pair("[0,8]", "[4,12]", 12), "tensor 'y' at [4, 12) overlaps the one before it"},
      {"same_place", with_pair("[0,8]", "[0,8]", 8), "at [0, 8) overlaps the one before it, which ends at 8"},
      {"escape_in_name", forged_safetensors(R"({"\u001b[31m\n":5})", ""), R"('\x1b[31m\x0a' should be an object)"},
  };
}

class ForgedSafetensors : public ::testing::TestWithParam<Forged> {};

TEST_P(ForgedSafetensors, IsRefused) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.file("forged.safetensors", GetParam().bytes);
  const std::string text = error_text([&] { SafetensorsFile file(path); });
  EXPECT_TRUE(holds(text, "safetensors: " + path.string() + ": "));
  EXPECT_TRUE(holds(text, GetParam().problem));
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

const auto kName = [](const ::testing::TestParamInfo<Forged>& test) { return test.param.name; };
INSTANTIATE_TEST_SUITE_P(Length, ForgedSafetensors, ::testing::ValuesIn(forged_lengths()), kName);
INSTANTIATE_TEST_SUITE_P(Json, ForgedSafetensors, ::testing::ValuesIn(forged_json()), kName);
INSTANTIATE_TEST_SUITE_P(Entry, ForgedSafetensors, ::testing::ValuesIn(forged_entries()), kName);

TEST(SafetensorsForgery, EveryTruncationIsRefused) {
  const TemporaryFolder folder;
  const std::string whole = with_offsets("[0,8]");
  EXPECT_TRUE(SafetensorsFile(folder.file("whole", whole)).contains("x"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::filesystem::path path = folder.file("part", whole.substr(0, size));
    EXPECT_TRUE(holds(error_text([&] { SafetensorsFile file(path); }), "part: ")) << size;
  }
}

// With any change of one byte of the header, the file is read or refused.
TEST(SafetensorsForgery, EveryChangedByteIsReadOrRefused) {
  const TemporaryFolder folder;
  const std::string whole = with_pair("[0,8]", "[8,16]", 16);
  std::size_t refused = 0;
  for (std::size_t place = 0; place < whole.size() - 16; ++place) {
    for (const char byte : {'\0', ' ', '"', '[', '}', '9', '\xFF', '\\'}) {
      std::string changed = whole;
      changed[place] = byte;
      try {
        const SafetensorsFile file(folder.file("changed", changed));
        for (const auto& [name, tensor] : file.tensors())
          EXPECT_EQ(tensor.bytes.size(), byte_count(tensor.dtype, tensor.shape));
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, whole.size());
}

TEST(SafetensorsForgery, WhatIsNoFileIsRefused) {
  const TemporaryFolder folder;
  EXPECT_TRUE(holds(error_text([&] { SafetensorsFile file(folder.path()); }), "is not a regular file"));
  EXPECT_TRUE(holds(error_text([&] { SafetensorsFile file(folder / "missing"); }), "missing: cannot be read"));
}

}  // namespace
}  // namespace stratoscope
