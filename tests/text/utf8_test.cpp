#include "stratoscope/text/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

TEST(Utf8, EveryCodePointComesBack) {
  for (char32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    if (code_point == 0xD800) code_point = 0xE000;
    std::string text;
    append_utf8(text, code_point);
    ASSERT_EQ(utf8_length(static_cast<unsigned char>(text[0])), text.size());
    ASSERT_EQ(decode_code_point(text, 0), code_point);
    ASSERT_EQ(find_invalid_utf8(text), text.size());
    ASSERT_EQ(count_code_points(text), 1U);
  }
}

struct Bad {
  std::string bytes;
  std::size_t at;
  std::string sanitized;  // the result of Python's bytes.decode(errors="replace")
};

const std::string kMark = "\xEF\xBF\xBD";

const std::vector<Bad>& bad_texts() {
  static const std::vector<Bad> bad = {
      {"\x80", 0, kMark},
      {"abc\xFF", 3, "abc" + kMark},
      {"12345678\xFE", 8, "12345678" + kMark},
      {"\xC0\xAF", 0, kMark + kMark},
      {"\xC3", 0, kMark},
      {"\xC3(", 0, kMark + "("},
      {"\xE0\x80\x80", 0, kMark + kMark + kMark},
      {"\xED\xA0\x80", 0, kMark + kMark + kMark},
      {"x\xE2\x98", 1, "x" + kMark},
      {"\xE2\x98y", 0, kMark + "y"},
      {"\xE2\x98\x83\xE2\x98", 3, "\xE2\x98\x83" + kMark},
      {"\xF0\x9F\x98", 0, kMark},
      {"\xF0\x80\x80\x80", 0, kMark + kMark + kMark + kMark},
      {"\xF4\x90\x80\x80", 0, kMark + kMark + kMark + kMark},
      {"\xF0\x9F\xC3\xA9", 0, kMark + "\xC3\xA9"},
      {"\xF5z", 0, kMark + "z"},
  };
  return bad;
}

TEST(Utf8, TheFirstBadByteIsFound) {
  for (const Bad& bad : bad_texts())
    EXPECT_EQ(find_invalid_utf8(bad.bytes), bad.at) << testing::PrintToString(bad.bytes);
}

TEST(Utf8, SanitizedAsPythonReplaces) {
  for (const Bad& bad : bad_texts()) {
    const std::string good = sanitize_utf8(bad.bytes);
    EXPECT_EQ(good, bad.sanitized) << testing::PrintToString(bad.bytes);
    EXPECT_EQ(find_invalid_utf8(good), good.size());
  }
  const std::string valid = "na\xC3\xAFve \xF0\x9F\x98\x80";
  EXPECT_EQ(sanitize_utf8(valid), valid);
}

TEST(Utf8, TheErrorNamesTheByteOffset) {
  EXPECT_NO_THROW(validate_utf8("\xE2\x98\x83", "here"));
  try {
    validate_utf8("abc\xFF", "here");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.where(), "here");
    EXPECT_NE(error.problem().find("byte offset 3 (0xff)"), std::string::npos) << error.what();
  }
}

TEST(Utf8, CodePointsAreCounted) {
  EXPECT_EQ(count_code_points(""), 0U);
  EXPECT_EQ(count_code_points("a\xC3\xA9\xE2\x98\x83\xF0\x9F\x98\x80"), 4U);
}

}  // namespace
}  // namespace stratoscope
