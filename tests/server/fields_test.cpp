#include "apps/server/fields.h"

#include <gtest/gtest.h>

#include "apps/server/http_error.h"

namespace stratoscope::server {
namespace {

template <class Action>
std::string error_of(const Action& action, int status = 400) {
  try {
    action();
  } catch (const HttpError& error) {
    EXPECT_EQ(error.status(), status);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST(Fields, ReadsEachType) {
  Fields fields(R"({"text": "a", "top": 3, "edits": ["x"], "ids": [1, -2], "bos": true, "nothing": null})");
  EXPECT_EQ(fields.text("text", 10), "a");
  EXPECT_EQ(fields.count_or("top", 10, 1), 3U);
  EXPECT_EQ(fields.count_or("absent", 10, 7), 7U);
  EXPECT_EQ(fields.texts("edits", 2, 10), std::vector<std::string>{"x"});
  EXPECT_EQ(fields.ids("ids", 2), (std::vector<long>{1, -2}));
  EXPECT_TRUE(fields.flag("bos"));
  EXPECT_FALSE(fields.optional_text("nothing", 10));
  EXPECT_NO_THROW(fields.reject_unknown());
}

TEST(Fields, RejectsOtherThanObjects) {
  EXPECT_THROW(Fields("[]"), HttpError);
  EXPECT_THROW(Fields("{"), Error);
  EXPECT_THROW(Fields(""), Error);
}

TEST(Fields, NamesTheLimit) {
  Fields fields(R"({"text": "abc", "top": 11, "edits": ["x", "y"], "negative": -1, "half": 0.5})");
  EXPECT_NE(error_of([&] { fields.text("text", 2); }).find("limit of 2"), std::string::npos);
  EXPECT_NE(error_of([&] { fields.optional_count("top", 10); }).find("limit of 10"), std::string::npos);
  EXPECT_NE(error_of([&] { fields.texts("edits", 1, 9); }).find("limit of 1"), std::string::npos);
  error_of([&] { fields.optional_count("negative", 10); });
  error_of([&] { fields.optional_count("half", 10); });
  error_of([&] { fields.text("absent", 10); });
  error_of([&] { fields.flag("text"); });
}

TEST(Fields, RejectsUnknownFields) {
  Fields fields(R"({"text": "a", "edit": []})");
  fields.text("text", 10);
  fields.texts("edits", 1, 1);
  const std::string said = error_of([&] { fields.reject_unknown(); });
  EXPECT_NE(said.find("'edit'"), std::string::npos);
  EXPECT_NE(said.find("'edits'"), std::string::npos);
}

}  // namespace
}  // namespace stratoscope::server
