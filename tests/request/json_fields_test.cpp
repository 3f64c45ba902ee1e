// Requests read from JSON: values of every kind, and refused values with their messages.
#include "stratoscope/request/json_fields.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/request/every_kind.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using nlohmann::json;
using test::EveryKind;
using test::refuses;
using test::Shade;
using Texts = std::vector<std::string>;

constexpr const char* kRequired = R"({"text": "a", "maybe_text": "b"})";

// The request of a body with these members, in addition to the required ones.
EveryKind request_of(const std::string& members, const BodyLimits& limits = {}) {
  json body = json::parse(kRequired);
  body.update(json::parse(members));
  EveryKind request;
  Fields fields;
  describe(request, fields);
  read_json(fields, body, limits);
  return request;
}

::testing::AssertionResult body_refused(const std::string& members, const std::string& says,
                                        const BodyLimits& limits = {}) {
  return refuses([&] { request_of(members, limits); }, says);
}

TEST(ReadJson, FlagsAndNumbers) {
  EXPECT_TRUE(request_of(R"({"flag": true})").flag);
  EXPECT_FALSE(request_of(R"({"flag": false})").flag);
  EXPECT_EQ(request_of(R"({"bos": true})").added, AddedTokens::beginning);
  EXPECT_EQ(request_of(R"({"bos": false})").added, AddedTokens::none);
  EXPECT_EQ(request_of("{}").added, AddedTokens::usual);
  EXPECT_EQ(request_of(R"({"count": 0})").count, 0U);
  EXPECT_EQ(request_of(R"({"count": 18446744073709551615})").count, 18446744073709551615U);
  EXPECT_EQ(request_of(R"({"number": -1})").number, -1);
  EXPECT_EQ(request_of(R"({"ids": [464, 0]})").ids, (TokenIds{464, 0}));
  EXPECT_EQ(request_of(R"({"rows": ["L5H3[to 2]"]})").rows.at(0).kind, TokenRowKind::attention_to);
  EXPECT_EQ(request_of(R"({"numbers": [2, -0.5, 1e3]})").numbers, (std::vector<double>{2, -0.5, 1000}));
  EXPECT_TRUE(request_of(R"({"numbers": []})").numbers.empty());
  EXPECT_EQ(request_of(R"({"memory_limit": 4096})").memory, 4096U);
}

TEST(ReadJson, TextsAndFiles) {
  EXPECT_EQ(request_of(R"({"text": ""})").text, "");
  EXPECT_EQ(request_of(R"({"maybe_text": "ä"})").maybe_text, "ä");
  EXPECT_EQ(request_of(R"({"texts": ["one", ""]})").texts, (Texts{"one", ""})) << "the default is gone";
  EXPECT_EQ(request_of("{}").texts, Texts{"default"});
  EXPECT_EQ(request_of(R"({"path": "a/b"})").path, std::filesystem::path("a/b"));
  EXPECT_EQ(request_of(R"({"file_texts": ["one", "two"]})").file_texts, (Texts{"one", "two"}));
  const auto prompts =
      request_of(R"({"prompts": [{"text": "a"}, {"text": "b", "corrupt": "c", "target": [" d"]}]})").prompts;
  const auto items = request_of(R"({"choices": [{"text": "a", "choices": ["b", "c"], "label": 1}]})").choices;
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].label, 1U);
  ASSERT_EQ(prompts.size(), 2U);
  EXPECT_EQ(prompts[1].corrupt, "c");
  EXPECT_EQ(prompts[1].targets.at(0).text, " d");
  EXPECT_EQ(request_of(R"({"vectors": "in.npy"})").input, std::filesystem::path("in.npy"));
  EXPECT_EQ(request_of(R"({"save": "out.npy"})").output, std::filesystem::path("out.npy"));
}

TEST(ReadJson, IndicesAndTokens) {
  EXPECT_EQ(request_of(R"({"index": -2})").index.number(), -2);
  EXPECT_EQ(request_of(R"({"index": "-2"})").index.number(), -2);
  EXPECT_EQ(request_of(R"({"maybe_index": 3})").maybe_index, std::optional(Index(3)));
  using Places = std::vector<std::size_t>;
  EXPECT_EQ(request_of(R"({"indices": "0..2,-1"})").indices.in(6, "x"), (Places{0, 1, 2, 5}));
  EXPECT_EQ(request_of(R"({"indices": [3, 0, -1]})").indices.in(6, "x"), (Places{3, 0, 5}));
  EXPECT_EQ(request_of(R"({"indices": -1})").indices.in(6, "x"), Places{5});
  EXPECT_EQ(request_of(R"({"maybe_indices": [2]})").maybe_indices->in(6, "x"), Places{2});
  EXPECT_EQ(request_of(R"({"token": -3})").token->index, std::optional(Index(-3)));
  EXPECT_EQ(request_of(R"({"token": "-3"})").token->index, std::optional(Index(-3)));
  EXPECT_EQ(request_of(R"({"token": " cute"})").token->word, " cute");
  EXPECT_EQ(request_of(R"({"target": 300})").target->id, 300);
  EXPECT_EQ(request_of(R"({"target": "300"})").target->text, "300");
}

TEST(ReadJson, TargetsAreTextsOrIdsInOneList) {
  const auto targets = request_of(R"({"targets": [" a", 300], "target_ids": [7]})").targets;
  ASSERT_EQ(targets.size(), 3U);
  std::vector<long> ids;
  Texts texts;
  for (const TargetChoice& target : targets)
    if (target.id)
      ids.push_back(*target.id);
    else
      texts.push_back(target.text);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, (std::vector<long>{7, 300}));
  EXPECT_EQ(texts, Texts{" a"});
}

TEST(ReadJson, ExpressionsAndChoices) {
  EXPECT_EQ(request_of(R"({"hook": "L3H5"})").hook.text, "L3H5");
  EXPECT_EQ(request_of(R"({"hooks": ["L3H5", "hook_embed"]})").hooks.at(1).text, "hook_embed");
  EXPECT_EQ(request_of(R"({"edits": ["resid_post.3 *= 2"]})").edits.at(0).terms[0].number, 2);
  EXPECT_TRUE(request_of(R"({"templates": ["blocks.{layer}.hook_mlp_out = zero"]})").templates.at(0).uses("layer"));
  EXPECT_EQ(request_of(R"({"axes": ["layer=all"]})").axes.at(0).name, "layer");
  EXPECT_EQ(request_of(R"({"shade": "dark"})").shade, Shade::dark);
  EXPECT_EQ(request_of(R"({"maybe_shade": "none"})").maybe_shade, std::optional(Shade::none));
  EXPECT_EQ(request_of(R"({"shades": ["dark", "none"]})").shades, (std::vector<Shade>{Shade::dark, Shade::none}));
}

TEST(ReadJson, NullIsAsIfTheMemberWereNotThere) {
  EveryKind request;
  Fields fields;
  describe(request, fields);
  json body = json::parse(kRequired);
  for (const Field& field : fields.all())
    if (!field.is_required) body[field.name] = nullptr;
  read_json(fields, body);
  for (const Field& field : fields.all()) EXPECT_EQ(field.is_given, field.is_required) << field.name;
  EXPECT_EQ(request.count, 7U);
  EXPECT_EQ(request.texts, Texts{"default"});
  EXPECT_TRUE(body_refused(R"({"text": null})", "request: field 'text' is missing"));
}

TEST(ReadJson, AnotherKindIsRefusedWithTheFieldsName) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"flag": 1})", "field 'flag' is neither true nor false"},
      {R"({"bos": "no"})", "field 'bos' is neither true nor false"},
      {R"({"count": -1})", "field 'count' is not a whole number from 0 on"},
      {R"({"count": 1.0})", "field 'count' is not a whole number from 0 on"},
      {R"({"count": "1"})", "field 'count' is not a whole number from 0 on"},
      {R"({"number": "1"})", "field 'number' is not a number"},
      {R"({"number": true})", "field 'number' is not a number"},
      {R"({"numbers": 1})", "field 'numbers' is not a list"},
      {R"({"numbers": [1, "2"]})", "field 'numbers' is not a number"},
      {R"({"text": 1})", "field 'text' is not a string"},
      {R"({"maybe_text": ["a"]})", "field 'maybe_text' is not a string"},
      {R"({"texts": "a"})", "field 'texts' is not a list"},
      {R"({"texts": ["a", 1]})", "field 'texts' is not a string"},
      {R"({"path": 1})", "field 'path' is not a string"},
      {R"({"index": 1.5})", "field 'index' is not an index"},
      {R"({"index": "one"})", "index: 'one' is not an index"},
      {R"({"maybe_index": []})", "field 'maybe_index' is not an index"},
      {R"({"indices": 1.5})", "field 'indices' is not a list"},
      {R"({"indices": ["0"]})", "field 'indices' is not a list of indices"},
      {R"({"indices": []})", "has an empty place"},
      {R"({"indices": "a"})", "indices: 'a' is not an index"},
      {R"({"maybe_indices": true})", "field 'maybe_indices' is not a list"},
      {R"({"token": 1.5})", "field 'token' is not a string"},
      {R"({"target": 1.5})", "field 'target' is not a string"},
      {R"({"targets": " a"})", "field 'targets' is not a list"},
      {R"({"targets": [true]})", "field 'targets' is not a string"},
      {R"({"target_ids": ["7"]})", "field 'target_ids' holds an entry that is not a whole number"},
      {R"({"hook": 1})", "field 'hook' is not a string"},
      {R"({"hooks": "L3H5"})", "field 'hooks' is not a list"},
      {R"({"edits": "resid_post.3 *= 2"})", "field 'edits' is not a list"},
      {R"({"templates": {}})", "field 'templates' is not a list"},
      {R"({"axes": [1]})", "field 'axes' is not a string"},
      {R"({"shade": 1})", "field 'shade' is not a string"},
      {R"({"shade": "darker"})", "field 'shade' is 'darker'; one of light, dark, none"},
      {R"({"maybe_shade": ""})", "field 'maybe_shade' is ''; one of light, dark, none"},
      {R"({"shades": ["light", "Dark"]})", "field 'shades' is 'Dark'; one of light, dark, none"},
      {R"({"file_texts": "texts.jsonl"})", "field 'file_texts' is not a list"},
      {R"({"prompts": "prompts.jsonl"})", "field 'prompts' is not a list"},
      {R"({"memory_limit": "1G"})", "field 'memory_limit' is not a whole number from 0 on"},
      {R"({"vectors": 1})", "field 'vectors' is not a string"},
      {R"({"save": false})", "field 'save' is not a string"},
  };
  for (const auto& [members, says] : cases) EXPECT_TRUE(body_refused(members, says)) << members;
}

TEST(ReadJson, NumbersBeyondEveryIndexAreRefused) {
  for (const char* name : {"index", "maybe_index", "token", "target", "indices"})
    EXPECT_TRUE(body_refused("{\"" + std::string(name) + "\": 18446744073709551615}", name)) << name;
  EXPECT_TRUE(body_refused(R"({"indices": [18446744073709551615]})", "indices"));
  EXPECT_TRUE(body_refused(R"({"targets": [18446744073709551615]})", "targets"));
  EXPECT_TRUE(body_refused(R"({"target_ids": [18446744073709551615]})", "target_ids"));
}

TEST(ReadJson, AnExpressionThatCannotBeReadIsNamedByItsPlaceInTheList) {
  EXPECT_TRUE(body_refused(R"({"edits": ["resid_post.3 *= 2", "resid_post.3 *="]})", "edit 2: "));
  EXPECT_TRUE(body_refused(R"({"templates": ["blocks.{layer"]})", "templates 1: "));
  EXPECT_TRUE(body_refused(R"({"axes": ["layer=all", "factor=0,1", "layer"]})", "over 3: "));
  EXPECT_TRUE(body_refused(R"({"hooks": ["L0H0["]})", "hooks 1: "));
  EXPECT_TRUE(body_refused(R"({"prompts": [{"text": "a"}, {"corrupt": "b"}]})", "prompts 2: "));
  EXPECT_TRUE(body_refused(R"({"choices": [{"text": "a", "choices": ["b"]}]})", "choices 1: "));
  try {
    request_of(R"({"edits": ["resid_post.3 *="]})");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.details().find('^'), std::string::npos) << "the place in the expression is shown";
    EXPECT_NE(error.problem().find("a value is expected here"), std::string::npos);
  }
}

TEST(ReadJson, UnknownFieldsAreNamedWithTheNearest) {
  EXPECT_TRUE(body_refused(R"({"shde": "dark"})", "request: there is no field 'shde'; did you mean 'shade'"));
  EXPECT_TRUE(body_refused(R"({"edit": []})", "there is no field 'edit'; did you mean 'edits'"))
      << "the option's name is none";
  EXPECT_TRUE(body_refused(R"({"memory-limit": 1})", "did you mean 'memory_limit'"));
  EXPECT_TRUE(body_refused(R"({"shade ": null})", "there is no field 'shade '")) << "also without a value";
}

TEST(ReadJson, RequiredFieldsAreMissing) {
  const auto read_body = [](const char* body) {
    EveryKind request;
    Fields fields;
    describe(request, fields);
    read_json(fields, json::parse(body));
  };
  EXPECT_TRUE(refuses([&] { read_body(R"({"maybe_text": "b"})"); }, "request: field 'text' is missing"));
  EXPECT_TRUE(refuses([&] { read_body(R"({"text": "a"})"); }, "field 'maybe_text' is missing"));
  read_body(R"({"text": "a", "texts": []})");  // which stand for it
  for (const char* body : {"[]", "1", "\"text\"", "null"})
    EXPECT_TRUE(refuses([&] { read_body(body); }, "request: the body is not a JSON object"));
}

TEST(ReadJson, Limits) {
  BodyLimits limits;
  limits.text_bytes = 4;
  limits.expression_bytes = 20;
  limits.list_entries = 2;
  EXPECT_EQ(request_of(R"({"text": "abcd"})", limits).text, "abcd");
  EXPECT_EQ(request_of(R"({"edits": ["resid_post.3 *= 2.00"]})", limits).edits.size(), 1U);
  EXPECT_EQ(request_of(R"({"texts": ["a", "b"]})", limits).texts.size(), 2U);
  EXPECT_EQ(request_of(R"({"prompts": [{"text": "abcd"}]})", limits).prompts.size(), 1U);
  const std::string too_long = "has 5 bytes, more than the limit of 4";
  for (const char* members :
       {R"({"text": "abcde"})", R"({"maybe_text": "abcde"})", R"({"texts": ["abcde"]})", R"({"path": "abcde"})",
        R"({"file_texts": ["abcde"]})", R"({"prompts": [{"text": "abcde"}]})",
        R"({"prompts": [{"text": "a", "corrupt": "abcde"}]})", R"({"prompts": [{"text": "a", "target": "abcde"}]})",
        R"({"target": "abcde"})", R"({"targets": ["abcde"]})", R"({"vectors": "abcde"})", R"({"save": "abcde"})"})
    EXPECT_TRUE(body_refused(members, too_long, limits)) << members;
  for (const char* members : {R"({"edits": ["resid_post.3 *= 2.000"]})", R"({"hook": "blocks.0.hook_mlp_oooo"})",
                              R"({"hooks": ["blocks.0.hook_mlp_oooo"]})", R"({"axes": ["layer=0,1,2,3,4,5,6,7"]})",
                              R"({"templates": ["resid_post.{x} *= 2.0000"]})",
                              R"({"token": "a word of many letters"})", R"({"indices": "0,1,2,3,4,5,6,7,8,9,10"})",
                              R"({"index": "000000000000000000000"})", R"({"shade": "a shade of many letters"})"})
    EXPECT_TRUE(body_refused(members, "bytes, more than the limit of 20", limits)) << members;
  for (const char* members :
       {R"({"texts": ["a", "b", "c"]})", R"({"numbers": [1, 2, 3]})", R"({"indices": [1, 2, 3]})",
        R"({"targets": [1, 2, 3]})", R"({"target_ids": [1, 2, 3]})", R"({"file_texts": ["", "", ""]})",
        R"({"shades": ["dark", "dark", "dark"]})", R"({"prompts": [{}, {}, {}]})"})
    EXPECT_TRUE(body_refused(members, "has 3 entries, more than the limit of 2", limits)) << members;
}

TEST(ReadJson, NumbersHaveRanges) {
  EXPECT_TRUE(body_refused(R"({"number": 1.5})", "field 'number' is above 1"));
  EXPECT_TRUE(body_refused(R"({"number": -1.5})", "field 'number' is below -1"));
  EXPECT_TRUE(body_refused(R"({"top": 0})", "field 'top' is below 1"));
  EXPECT_TRUE(body_refused(R"({"top": 51})", "field 'top' is above 50"));
  EXPECT_EQ(request_of(R"({"top": 31})").top, 31U);
}

TEST(ReadJson, AServerTakesLessFromOthers) {
  BodyLimits served;
  served.is_served = true;
  EXPECT_EQ(request_of(R"({"top": 30})", served).top, 30U);
  EXPECT_TRUE(body_refused(R"({"top": 31})", "field 'top' is 31, more than the limit of 30", served));
  EXPECT_TRUE(body_refused(R"({"save": "a.npy"})", "there is no field 'save'", served));
  EXPECT_TRUE(body_refused(R"({"memory_limit": 1})", "there is no field 'memory_limit'", served));
  EXPECT_TRUE(body_refused(R"({"vectors": null})", "there is no field 'vectors'", served));
  EXPECT_TRUE(body_refused(R"({"vector": "a.npy"})", "there is no field 'vector'", served));
  EXPECT_FALSE(body_refused(R"({"vector": "a.npy"})", "did you mean 'vectors'", served))
      << "what is unknown is not offered";
  EXPECT_EQ(request_of(R"({"prompts": [{"text": "a"}]})", served).prompts.size(), 1U);
}

}  // namespace
}  // namespace stratoscope
