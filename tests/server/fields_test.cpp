#include "apps/server/fields.h"

#include <gtest/gtest.h>

#include "apps/server/refusal.h"

namespace stratoscope::server {
namespace {

template <class Action>
std::string refusal_of(const Action& action, int status = 400) {
  try {
    action();
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.status(), status);
    return refusal.what();
  }
  ADD_FAILURE() << "was not refused";
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
  EXPECT_NO_THROW(fields.refuse_others());
}

TEST(Fields, RefusesWhatIsNoObject) {
  EXPECT_THROW(Fields("[]"), Refusal);
  EXPECT_THROW(Fields("{"), Error);
  EXPECT_THROW(Fields(""), Error);
}

TEST(Fields, SaysTheLimit) {
  Fields fields(R"({"text": "abc", "top": 11, "edits": ["x", "y"], "negative": -1, "half": 0.5})");
  EXPECT_NE(refusal_of([&] { fields.text("text", 2); }).find("limit of 2"), std::string::npos);
  EXPECT_NE(refusal_of([&] { fields.optional_count("top", 10); }).find("limit of 10"), std::string::npos);
  EXPECT_NE(refusal_of([&] { fields.texts("edits", 1, 9); }).find("limit of 1"), std::string::npos);
  refusal_of([&] { fields.optional_count("negative", 10); });
  refusal_of([&] { fields.optional_count("half", 10); });
  refusal_of([&] { fields.text("absent", 10); });
  refusal_of([&] { fields.flag("text"); });
}

TEST(Fields, RefusesAFieldThatNobodyReads) {
  Fields fields(R"({"text": "a", "edit": []})");
  fields.text("text", 10);
  fields.texts("edits", 1, 1);
  const std::string said = refusal_of([&] { fields.refuse_others(); });
  EXPECT_NE(said.find("'edit'"), std::string::npos);
  EXPECT_NE(said.find("'edits'"), std::string::npos);
}

}  // namespace
}  // namespace stratoscope::server
