// An experiment of two fields, created with one call: its fields, JSON body, schema, document, warnings and figure.
#include "tests/support/two_fields.h"

#include <gtest/gtest.h>

#include "stratoscope/request/json_fields.h"
#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::built_in;

// The document of the experiment that a JSON body requests.
nlohmann::json answer_to(const std::string& body) {
  const auto request = test::two_fields().begin();
  read_json(request->fields(), nlohmann::json::parse(body));
  request->check();
  return nlohmann::json::parse(request->run(built_in())->document().text());
}

TEST(TwoFields, AreDescribedOnce) {
  const Experiment experiment = test::two_fields();
  EXPECT_EQ(experiment.name, "longest");
  EXPECT_TRUE(experiment.has_figure && experiment.is_recorded && experiment.is_served);
  const auto request = experiment.begin();
  Fields& fields = request->fields();
  ASSERT_EQ(fields.all().size(), 2U);
  EXPECT_EQ(default_text(*fields.find("top")), "3");
  EXPECT_TRUE(fields.find("text")->is_argument);
  EXPECT_TRUE(fields.lacks(*fields.find("text")));
}

TEST(TwoFields, AreReadFromACommandLine) {
  const auto request = test::two_fields().begin();
  read_option(*request->fields().find("text"), {test::kPenguins});
  read_option(*request->fields().find("top"), {"1"});
  const auto document = nlohmann::json::parse(request->run(built_in())->document().text());
  EXPECT_EQ(document["tokens"], nlohmann::json({" Penguins"}));
}

TEST(TwoFields, AreReadFromJson) {
  const auto document = answer_to(R"({"text": "A wise man once said: Penguins are cute."})");
  EXPECT_EQ(document["tokens"], nlohmann::json({" Penguins", " wise", " once"}));
  EXPECT_EQ(document["model"]["name"], "novella-7m");
  EXPECT_FALSE(document.contains("warnings"));
  EXPECT_TRUE(test::refuses([] { answer_to("{}"); }, "field 'text' is missing"));
  EXPECT_TRUE(test::refuses([] { answer_to(R"({"text": "a", "top": 0})"); }, "field 'top' is below 1"));
  EXPECT_TRUE(test::refuses([] { answer_to(R"({"text": "a", "tops": 1})"); }, "did you mean 'top'"));
}

TEST(TwoFields, HaveASchema) {
  const auto request = test::two_fields().begin();
  BodyLimits served;
  served.is_served = true;
  const nlohmann::json schema = schema_of(request->fields(), served);
  EXPECT_EQ(schema["required"], nlohmann::json({"text"}));
  EXPECT_EQ(schema["properties"]["top"], nlohmann::json({{"type", "integer"},
                                                         {"minimum", 1},
                                                         {"maximum", kMostServedTokens},
                                                         {"default", 3},
                                                         {"description", "how many tokens are named"}}));
}

TEST(TwoFields, WarningsStandAtTheDocumentsEnd) {
  const auto document = answer_to(R"({"text": "A wise man", "top": 9})");
  EXPECT_EQ(document["tokens"].size(), 3U);
  EXPECT_EQ(document["warnings"], nlohmann::json({"the text has 3 tokens alone"}));
}

TEST(TwoFields, HaveAFigure) {
  const auto request = test::two_fields().begin();
  read_json(request->fields(), {{"text", test::kPenguins}});
  const auto figure = request->run(built_in())->figure();
  ASSERT_TRUE(figure);
  EXPECT_EQ(figure->panels.at(0).x.ticks.at(0), " Penguins");
  EXPECT_EQ(std::get<Bars>(figure->panels[0].marks.at(0)).values, (std::vector<double>{9, 5, 5}));
}

}  // namespace
}  // namespace stratoscope
