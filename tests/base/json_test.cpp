#include "stratoscope/base/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/base/error_text.h"

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

}  // namespace
}  // namespace stratoscope
