#include "stratoscope/files/npy.h"

#include <gtest/gtest.h>

#include <ostream>
#include <vector>

#include "tests/base/error_text.h"
#include "tests/base/file_size_limit.h"
#include "tests/base/temporary_folder.h"
#include "tests/files/forged_file.h"

namespace stratoscope {
namespace {

using testing::bytes_of;
using testing::bytes_of_values;
using testing::error_text;
using testing::forged_npy;
using testing::holds;
using testing::TemporaryFolder;

std::vector<double> doubles(const StoredArray& array) {
  std::vector<double> values(element_count(array.shape));
  convert(array.dtype, array.bytes, std::span<double>(values));
  return values;
}

std::string dict(const std::string& descr, const std::string& order, const std::string& shape) {
  return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }";
}

TEST(Npy, ReadsEachVersionOfTheFormat) {
  const TemporaryFolder folder;
  const std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
  for (const char version : {'\1', '\2', '\3'}) {
    const std::string bytes = forged_npy(dict("'<f4'", "False", "(2, 3)") + "  \n", bytes_of_values(numbers), version);
    const StoredArray array = read_npy(folder.file("a.npy", bytes));
    EXPECT_EQ(array.dtype, DType::f32);
    EXPECT_EQ(array.shape, (Shape{2, 3}));
    EXPECT_EQ(doubles(array), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  }
}

TEST(Npy, ReadsEachType) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, DType>> types = {
      {"<f8", DType::f64}, {"<f4", DType::f32}, {"<f2", DType::f16}, {"<i8", DType::i64},
      {"<i4", DType::i32}, {"<i2", DType::i16}, {"|i1", DType::i8},  {"<u8", DType::u64},
      {"<u4", DType::u32}, {"<u2", DType::u16}, {"|u1", DType::u8},  {"|b1", DType::boolean}};
  for (const auto& [descr, dtype] : types) {
    const std::string bytes =
        forged_npy(dict("'" + descr + "'", "False", "(3,)"), std::string(3 * size_of(dtype), '\0'));
    EXPECT_EQ(read_npy(folder.file("a.npy", bytes)).dtype, dtype);
  }
}

TEST(Npy, ReadsOtherSpellingsOfTheSameDict) {
  const TemporaryFolder folder;
  const std::vector<float> seven = {7};
  for (const char* header : {R"({"shape":(),"fortran_order":False,"descr":"<f4"})",
                             R"( { 'shape' : ( ) , 'descr' : '<f4' , 'fortran_order' : False } )"}) {
    const StoredArray array = read_npy(folder.file("a.npy", forged_npy(header, bytes_of_values(seven))));
    EXPECT_TRUE(array.shape.empty());
    EXPECT_EQ(doubles(array), std::vector<double>{7});
  }
}

// Each number is its place in row-major order.
TEST(Npy, EitherOrderOfAxesGivesTheSameRows) {
  const TemporaryFolder folder;
  const std::vector<Shape> shapes = {{}, {5}, {1, 5}, {5, 1}, {2, 3}, {4, 1, 3}, {2, 3, 4}, {3, 1, 2, 2}, {2, 0, 3}};
  for (const Shape& shape : shapes) {
    const std::size_t count = element_count(shape);
    std::string literal = "(";
    for (const std::size_t axis : shape) literal += std::to_string(axis) + ", ";
    literal += ")";
    std::vector<float> rows(count), columns(count);
    for (std::size_t place = 0; place < count; ++place) {
      std::size_t rest = place, column = 0;
      for (std::size_t axis = shape.size(); axis-- > 0; rest /= shape[axis]) {
        std::size_t stride = 1;
        for (std::size_t before = 0; before < axis; ++before) stride *= shape[before];
        column += rest % shape[axis] * stride;
      }
      rows[place] = columns[column] = static_cast<float>(place);
    }
    const StoredArray array =
        read_npy(folder.file("a.npy", forged_npy(dict("'<f4'", "True", literal), bytes_of_values(columns))));
    EXPECT_EQ(array.shape, shape);
    EXPECT_EQ(doubles(array), std::vector<double>(rows.begin(), rows.end())) << literal;
  }
}

TEST(Npy, EitherOrderOfBytesGivesTheSameNumbers) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& descr, const std::string& bytes, const std::string& shape) {
    return doubles(read_npy(folder.file("a.npy", forged_npy(dict("'" + descr + "'", "False", shape), bytes))));
  };
  using Doubles = std::vector<double>;
  EXPECT_EQ(read(">f4", {"\x3f\x80\0\0\xc0\0\0\0", 8}, "(2,)"), (Doubles{1, -2}));
  EXPECT_EQ(read(">f8", {"\x3f\xf0\0\0\0\0\0\0", 8}, "(1,)"), Doubles{1});
  EXPECT_EQ(read(">f2", {"\x3c\0\xc0\0", 4}, "(2,)"), (Doubles{1, -2}));
  EXPECT_EQ(read(">i8", {"\0\0\0\0\0\0\x01\x02", 8}, "()"), Doubles{258});
  EXPECT_EQ(read(">u2", {"\x01\x02", 2}, "(1, 1)"), Doubles{258});
  EXPECT_EQ(read(">i4", "\xff\xff\xff\xfe", "(1,)"), Doubles{-2});
  EXPECT_EQ(read("=u2", {"\x02\x01", 2}, "(1,)"), Doubles{258});
  EXPECT_EQ(doubles(read_npy(
                folder.file("a.npy", forged_npy(dict("'>u2'", "True", "(2, 2)"), std::string("\0\1\0\2\0\3\0\4", 8))))),
            (Doubles{1, 3, 2, 4}));
}

TEST(Npy, WhatIsWrittenIsReadBack) {
  const TemporaryFolder folder;
  const std::vector<double> numbers = {0.1, -2, 3e300};
  for (const Shape& shape : {Shape{3}, Shape{1, 3}, Shape{3, 1, 1}}) {
    write_npy(folder / "a.npy", array_view("x", numbers, shape));
    const StoredArray array = read_npy(folder / "a.npy");
    EXPECT_EQ(array.dtype, DType::f64);
    EXPECT_EQ(array.shape, shape);
    EXPECT_EQ(doubles(array), numbers);
    EXPECT_EQ(bytes_of(folder / "a.npy").size(), 128 + 24U);  // the numbers begin at a multiple of 64
  }
  const std::vector<float> none;
  write_npy(folder / "none.npy", array_view("x", none, {0, 5}));
  EXPECT_EQ(read_npy(folder / "none.npy").shape, (Shape{0, 5}));
}

TEST(Npy, RefusesToWriteBfloats) {
  const TemporaryFolder folder;
  const std::vector<std::byte> bytes(4);
  const std::string text = error_text([&] { write_npy(folder / "a.npy", {"x", DType::bf16, {2}, bytes}); });
  EXPECT_TRUE(holds(text, "array 'x' is BF16, which NumPy does not have"));
  EXPECT_EQ(folder.entry_count(), 0U);
}

TEST(Npy, AFullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  folder.file("a.npy", "old");
  const std::vector<float> numbers(10000);
  const std::string text = error_text([&] {
    const testing::FileSizeLimit limit(8192);
    write_npy(folder / "a.npy", array_view("x", numbers, {10000}));
  });
  EXPECT_TRUE(holds(text, "a.npy: cannot be written: File too large"));
  EXPECT_EQ(bytes_of(folder / "a.npy"), "old");
}

struct Forged {
  std::string name, bytes, problem;
};
std::ostream& operator<<(std::ostream& stream, const Forged& forged) { return stream << forged.name; }

std::string with_descr(const std::string& descr) { return forged_npy(dict(descr, "False", "(1,)"), "12345678"); }
std::string with_shape(const std::string& shape) { return forged_npy(dict("'<f4'", "False", shape), "12345678"); }
std::string with_dict(const std::string& text) { return forged_npy(text, "1234"); }

std::vector<Forged> forged_files() {
  const std::string malformed = "header is not the dict that NumPy writes";
  return {
      {"empty", "", "does not begin like a .npy file"},
      {"other_magic", "\x93NUMPZ\1" + std::string(100, '\0'), "does not begin like a .npy file"},
      {"magic_alone", "\x93NUMPY", "does not begin like a .npy file"},
      {"version_four", forged_npy("{}", "", 4), "has version 4 of the format"},
      {"version_zero", forged_npy("{}", "", 0), "has version 0 of the format"},
      {"ends_in_length", forged_npy("", "", 2).substr(0, 11), "ends inside its header"},
      {"ends_in_header", forged_npy(dict("'<f4'", "False", "(1,)"), "").substr(0, 30), "ends inside its header"},
      {"header_too_long", forged_npy(std::string(70000, ' '), "", 2), "header of 70000 bytes is longer than"},
      {"no_header", with_dict(""), malformed},
      {"empty_dict", with_dict("{}"), malformed},
      {"not_closed", with_dict("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)"), malformed},
      {"after_the_dict", with_dict(dict("'<f4'", "False", "(1,)") + "x"), malformed},
      {"key_twice", with_dict("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"), malformed},
      {"unknown_key", with_dict("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}"), malformed},
      {"key_missing", with_dict("{'descr': '<f4', 'shape': (1,)}"), malformed},
      {"key_not_closed", with_dict("{'descr"), malformed},
      {"order_a_number", with_dict(dict("'<f4'", "0", "(1,)")), malformed},
      {"objects", with_descr("'|O'"), "holds Python objects"},
      {"structures", with_descr("[('a', '<f4')]"), "holds structures"},
      {"complex", with_descr("'<c8'"), "holds numbers of the type '<c8'"},
      {"big_endian_complex", with_descr("'>c8'"), "holds numbers of the type '>c8'"},
      {"text", with_descr("'<U2'"), "holds numbers of the type '<U2'"},
      {"no_type", with_descr("''"), "holds numbers of the type ''"},
      {"shape_a_list", with_shape("[2]"), malformed},
      {"shape_without_comma", with_shape("(2 2)"), malformed},
      {"shape_negative", with_shape("(-2,)"), "has an axis whose size is not a whole number from 0 up"},
      {"shape_a_word", with_shape("(x,)"), "has an axis whose size is not a whole number from 0 up"},
      {"shape_beyond_64_bits", with_shape("(18446744073709551616,)"), "has an axis with more entries than fit"},
      {"shape_overflows", with_shape("(4294967296, 4294967296)"), "has more elements than fit"},
      {"bytes_overflow", with_shape("(4611686018427387904,)"), "has more bytes than fit"},
      {"many_axes", with_shape("(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"), "than 32 axes"},
      {"too_few_numbers", with_shape("(3,)"), "F32 [3] needs 12 bytes of numbers, but 8 are there"},
      {"too_many_numbers", with_shape("(1,)"), "F32 [1] needs 4 bytes of numbers, but 8 are there"},
  };
}

class ForgedNpy : public ::testing::TestWithParam<Forged> {};

TEST_P(ForgedNpy, IsRefused) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.file("forged.npy", GetParam().bytes);
  const std::string text = error_text([&] { read_npy(path); });
  EXPECT_TRUE(holds(text, "npy: " + path.string() + ": "));
  EXPECT_TRUE(holds(text, GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(Files, ForgedNpy, ::testing::ValuesIn(forged_files()),
                         [](const ::testing::TestParamInfo<Forged>& test) { return test.param.name; });

TEST(Npy, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_TRUE(holds(error_text([&] { read_npy(folder / "missing.npy"); }), "missing.npy: cannot be read"));
  EXPECT_TRUE(holds(error_text([&] { read_npy(folder.path()); }), "is not a regular file"));
}

}  // namespace
}  // namespace stratoscope
