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

}  // namespace
}  // namespace stratoscope
