#include "stratoscope/base/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "stratoscope/base/cancellation.h"
#include "tests/base/error_text.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using stratoscope::testing::error_text;

std::string refusal(const std::string& text) {
  return error_text([&] { parse_json(text, "config", "c.json"); });
}

TEST(Json, ReadsWhatJsonAllows) {
  EXPECT_EQ(parse_json(R"({"a": [1, -2.5e3, "\u00e9", null, true]})", "w", "s")["a"].size(), 5U);
  EXPECT_EQ(parse_json(" 3 ", "w", "s"), 3);
  EXPECT_EQ(parse_json(std::string(64, '[') + std::string(64, ']'), "w", "s").size(), 1U);
}

TEST(Json, SaysWhereItIsWrong) {
  EXPECT_EQ(refusal(R"({"a": })"), "config: c.json: is not JSON: something is wrong at byte 7");
  for (const char* text :
       {"", "{", "[1,]", "{'a': 1}", "nul", "1 2", R"("\ud800")", "\"\xFF\"", "\"\n\"", "[1e999]", "NaN", "// 1"})
    EXPECT_NE(refusal(text).find("config: c.json: is not "), std::string::npos) << text;
}

TEST(Json, DepthIsBounded) {
  for (const std::size_t depth : {66U, 1000U, 1000000U}) {
    EXPECT_EQ(refusal(std::string(depth, '[')), "config: c.json: is JSON nested deeper than 64");
  }
  std::string objects;
  for (int i = 0; i < 100; ++i) objects += "{\"a\":";
  EXPECT_EQ(refusal(objects), "config: c.json: is JSON nested deeper than 64");
}

TEST(Json, KeysOfAnObjectComeOnceAndInOrderWhereThatIsAskedFor) {
  constexpr const char* kText = R"({"b": {"z": 1, "a": [{"y": 2, "x": {}}, []]}, "a": 3, "b": {"z": 4}})";
  EXPECT_EQ(parse_json(kText, "w", "s").dump(), R"({"a":3,"b":{"z":4}})");
  EXPECT_EQ(parse_ordered_json(kText, "w", "s").dump(), R"({"b":{"z":4},"a":3})");
  constexpr const char* kNested = R"({"z":1,"a":[{"y":2,"x":{}},[],null,-3,"t",0.5,true]})";
  EXPECT_EQ(parse_ordered_json(kNested, "w", "s").dump(), kNested);
}

TEST(Json, ReadsWhatTheLibrarysOwnParserReads) {
  for (const char* text : {"[]", "{}", "null", "[[],{},[{}]]", R"({"a":{"b":[1,{"c":"d"}]},"e":[[[0]]]})",
                           "[18446744073709551615,-9223372036854775808,1e300,0.1]", R"("\u0000\ud83d\ude00")"}) {
    EXPECT_EQ(parse_json(text, "w", "s"), nlohmann::json::parse(text)) << text;
    EXPECT_EQ(parse_ordered_json(text, "w", "s"), nlohmann::ordered_json::parse(text)) << text;
  }
}

// These took minutes when each element looked at all before it.
TEST(Json, ManyMembersAreRead) {
  constexpr std::size_t kCount = test::kWatched ? 20'000 : 400'000;
  std::string list, object;
  for (std::size_t i = 0; i < kCount; ++i) {
    list += i == 0 ? "[{}" : i % 2 == 0 ? ",{}" : ",[]";
    object += (i == 0 ? "{\"" : ",\"") + std::to_string(i) + "\":{}";
  }
  list += ']';
  object += '}';
  EXPECT_EQ(parse_json(list, "w", "s").size(), kCount);
  EXPECT_EQ(parse_ordered_json(list, "w", "s").size(), kCount);
  EXPECT_EQ(parse_json(object, "w", "s").size(), kCount);
  EXPECT_EQ(parse_ordered_json(object, "w", "s").size(), kCount);
}

TEST(Json, HoldsSoManyValuesAtMost) {
  const std::string text = R"({"a": [1, {}, "x", null], "b": []})";  // seven
  for (const std::size_t most : {7U, 8U}) {
    EXPECT_NO_THROW(parse_json(text, "w", "s", most));
    EXPECT_NO_THROW(parse_ordered_json(text, "w", "s", most));
  }
  for (const std::size_t most : {0U, 1U, 6U})
    EXPECT_EQ(error_text([&] { parse_json(text, "w", "s", most); }),
              "w: s: holds more values than the limit of " + std::to_string(most));
}

TEST(Json, EndsWhenNobodyWantsItAnyMore) {
  class Impatient : public Progress {
   public:
    bool cancelled() const override { return ++asked_ > 100; }

   private:
    mutable int asked_ = 0;
  };
  const Impatient progress;
  const CancellationScope scope(&progress);
  std::string text = "[0";
  for (int i = 0; i < 50; ++i) text += ",0";
  EXPECT_NO_THROW(parse_json(text + "]", "w", "s"));
  for (int i = 0; i < 100; ++i) text += ",0";
  EXPECT_THROW(parse_json(text + "]", "w", "s"), Interrupted);
  EXPECT_THROW(parse_ordered_json(text + "]", "w", "s"), Interrupted);
}

}  // namespace
}  // namespace stratoscope
