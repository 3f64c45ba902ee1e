// The JSON schema of a request, and that a body which it forbids is refused.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "stratoscope/request/json_fields.h"
#include "tests/request/every_kind.h"
#include "tests/support/json_schema.h"

namespace stratoscope {
namespace {

using nlohmann::json;
using test::EveryKind;

BodyLimits limits_of_a_server() {
  BodyLimits limits;
  limits.text_bytes = 100;
  limits.expression_bytes = 60;
  limits.list_entries = 4;
  limits.is_served = true;
  return limits;
}

json schema(const BodyLimits& limits) {
  EveryKind request;
  Fields fields;
  describe(request, fields);
  return schema_of(fields, limits);
}

bool is_read(const json& body, const BodyLimits& limits) {
  EveryKind request;
  Fields fields;
  describe(request, fields);
  try {
    read_json(fields, body, limits);
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST(Schema, OfEachKind) {
  const json whole = schema({}), properties = whole["properties"];
  EXPECT_EQ(whole["type"], "object");
  EXPECT_EQ(whole["additionalProperties"], false);
  EXPECT_EQ(whole["required"], json({"text"})) << "not what another field may stand for";
  const auto is = [&](const char* name, const char* expected) {
    json one = properties.at(name);
    EXPECT_FALSE(one.at("description").get<std::string>().empty());
    one.erase("description");
    one.erase("default");
    EXPECT_EQ(one, json::parse(expected)) << name;
  };
  is("flag", R"({"type": "boolean"})");
  is("bos", R"({"type": "boolean"})");
  is("count", R"({"type": "integer", "minimum": 0})");
  is("top", R"({"type": "integer", "minimum": 1, "maximum": 50})");
  is("memory_limit", R"({"type": "integer", "minimum": 0})");
  is("number", R"({"type": "number", "minimum": -1, "maximum": 1})");
  is("numbers", R"({"type": "array", "items": {"type": "number"}})");
  is("texts", R"({"type": "array", "items": {"type": "string"}})");
  is("shade", R"({"type": "string", "enum": ["light", "dark", "none"]})");
  is("shades", R"({"type": "array", "items": {"type": "string", "enum": ["light", "dark", "none"]}})");
  is("index", R"({"type": ["integer", "string"]})");
  is("indices", R"({"type": ["array", "integer", "string"], "items": {"type": "integer"}})");
  is("target_ids", R"({"type": "array", "items": {"type": "integer"}})");
  for (const char* name : {"text", "maybe_text", "path", "hook", "vectors", "save"}) is(name, R"({"type": "string"})");
  for (const char* name : {"hooks", "edits", "templates", "axes", "file_texts"})
    is(name, R"({"type": "array", "items": {"type": "string"}})");
  for (const char* name : {"token", "target", "maybe_index"}) is(name, R"({"type": ["integer", "string"]})");
}

TEST(Schema, HasDefaults) {
  const json properties = schema({})["properties"];
  json defaults = json::object();
  for (const auto& [name, property] : properties.items())
    if (property.contains("default")) defaults[name] = property["default"];
  EXPECT_EQ(defaults, json::parse(R"({"flag": false, "count": 7, "top": 20, "number": 0.5, "numbers": [1.0],
    "texts": ["default"], "index": 0, "indices": "all", "hook": "hook_embed", "shade": "light", "shades": ["light"]})"));
}

TEST(Schema, OfAServerHasItsLimits) {
  const json properties = schema(limits_of_a_server())["properties"];
  EXPECT_EQ(properties["text"]["maxLength"], 100);
  EXPECT_EQ(properties["texts"]["maxItems"], 4);
  EXPECT_EQ(properties["texts"]["items"]["maxLength"], 100);
  EXPECT_EQ(properties["edits"]["items"]["maxLength"], 60);
  EXPECT_EQ(properties["prompts"]["items"]["properties"]["text"]["maxLength"], 100);
  EXPECT_EQ(properties["top"]["maximum"], 30);
  for (const char* local : {"memory_limit", "vectors", "save"}) EXPECT_FALSE(properties.contains(local));
}

TEST(Schema, TheNarrowerOfTwoBoundsHolds) {
  std::size_t few = 1, many = 1;
  double below_zero = -1;
  Fields fields;
  fields.add("few", few, "help").range(0, 10).serve_at_most(100);
  fields.add("many", many, "help").range(0, 100).serve_at_most(10);
  fields.add("below_zero", below_zero, "help").range(-2, -1);
  BodyLimits served;
  served.is_served = true;
  const json properties = schema_of(fields, served)["properties"];
  EXPECT_EQ(properties["few"]["maximum"], 10);
  EXPECT_EQ(properties["many"]["maximum"], 10);
  EXPECT_EQ(properties["below_zero"]["maximum"], -1);
}

TEST(Schema, ForbidsNoBodyThatIsRead) {
  std::size_t forbidden = 0, allowed = 0, read = 0;
  for (const BodyLimits& limits : {BodyLimits{}, limits_of_a_server()}) {
    const json whole = schema(limits);
    for (const auto& [name, property] : whole["properties"].items())
      for (const json& value : test::values_of_every_type()) {
        json body = {{"text", "a"}, {"maybe_text", "b"}};
        body[name] = value;
        const bool is_allowed = test::schema_allows(whole, body), was_read = is_read(body, limits);
        ++(is_allowed ? allowed : forbidden);
        read += was_read ? 1 : 0;
        EXPECT_TRUE(is_allowed || !was_read) << body;
      }
    EXPECT_FALSE(test::schema_allows(whole, {{"maybe_text", "b"}}));
    EXPECT_FALSE(test::schema_allows(whole, {{"text", "a"}, {"txet", "b"}}));
    EXPECT_FALSE(is_read({{"text", "a"}, {"maybe_text", "b"}, {"txet", "b"}}, limits));
  }
  EXPECT_GT(forbidden, 500U);
  EXPECT_GT(read, 150U);
  EXPECT_GT(allowed, read / 2);
}

// Values that the schema of a simple kind allows are read.
TEST(Schema, OfFlagsNumbersTextsAndChoicesAllowsNothingThatIsRefused) {
  const BodyLimits limits = limits_of_a_server();
  const json whole = schema(limits);
  std::size_t allowed = 0;
  for (const char* name : {"flag", "bos", "count", "top", "number", "numbers", "text", "maybe_text", "texts", "shade",
                           "shades", "maybe_shade", "file_texts", "path", "prompts"})
    for (const json& value : test::values_of_every_type()) {
      json body = {{"text", "a"}, {"maybe_text", "b"}};
      body[name] = value;
      if (!test::schema_allows(whole, body)) continue;
      ++allowed;
      EXPECT_TRUE(is_read(body, limits)) << body;
    }
  EXPECT_GT(allowed, 40U);
}

}  // namespace
}  // namespace stratoscope
