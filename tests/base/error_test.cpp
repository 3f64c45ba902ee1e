#include "stratoscope/base/error.h"

#include <gtest/gtest.h>

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
  EXPECT_STREQ(Error("file", "Größe\xC2\xA0\xC2").what(), "file: Größe\xC2\xA0\xC2");
}

}  // namespace
}  // namespace stratoscope
