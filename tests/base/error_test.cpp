#include "stratoscope/base/error.h"

#include <gtest/gtest.h>

#include <string>

namespace stratoscope {
namespace {

TEST(Error, IsOneLineOfItsParts) {
  const Error error("edit", "no such hook point", "see info");
  EXPECT_STREQ(error.what(), "edit: no such hook point; see info");
  EXPECT_EQ(error.where(), "edit");
  EXPECT_EQ(error.problem(), "no such hook point");
  EXPECT_EQ(error.hint(), "see info");
  EXPECT_STREQ(Error("edit", "no such hook point").what(), "edit: no such hook point");
}

TEST(Error, ANameCannotBreakItsLineOrCommandATerminal) {
  const Error error("file", "/tmp/a\nb\x1b[2J: cannot be read", "is it \xC2\x9B?");
  EXPECT_STREQ(error.what(), "file: /tmp/a\\x0ab\\x1b[2J: cannot be read; is it \\xc2\\x9b?");
  EXPECT_EQ(error.problem(), "/tmp/a\\x0ab\\x1b[2J: cannot be read");
  EXPECT_EQ(error.hint(), "is it \\xc2\\x9b?");
  EXPECT_STREQ(Error("file", "Größe\xC2\xA0\xC2").what(), "file: Größe\xC2\xA0\\xc2");
}

TEST(Error, IsNeverLongerThanALine) {
  const std::string huge(100'000, 'x'), controls(100'000, '\n');
  for (const std::string& where : {std::string("edit"), huge})
    for (const std::string& problem : {"'" + huge + "' is no name", controls, std::string("short")})
      for (const std::string& hint : {std::string(), "see " + huge + ", or ask", controls}) {
        const std::string text = Error(where, problem, hint).what();
        EXPECT_LE(text.size(), 480U);
        EXPECT_EQ(text.find('\n'), std::string::npos);
      }
  const std::string text = Error("edit", "'" + huge + "' is no name", "see info").what();
  EXPECT_TRUE(text.starts_with("edit: 'xxx") && text.ends_with("xxx' is no name; see info")) << text;
  EXPECT_EQ(text.size(), 480U);
}

}  // namespace
}  // namespace stratoscope
