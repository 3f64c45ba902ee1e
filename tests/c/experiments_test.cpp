// Every experiment through the C interface: its document, arrays and figure are those of the C++ functions.
#include <gtest/gtest.h>

#include <set>

#include "stratoscope/experiments/experiment.h"
#include "stratoscope/figures/csv.h"
#include "stratoscope/figures/vega_lite.h"
#include "stratoscope/request/json_fields.h"
#include "stratoscope/session/named_values.h"
#include "tests/base/temporary_folder.h"
#include "tests/c/handles.h"

namespace stratoscope {
namespace {

using test::c_built_in;
using test::c_request;
using test::CModel;
using test::CResult;
using test::failed_with;
using test::json;
using test::kPenguins;

TEST(CExperiments, AreListedWithTheirSchemas) {
  const json all = json::parse(stratoscope_experiments());
  ASSERT_EQ(all.size(), all_experiments().size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Experiment& experiment = all_experiments()[i];
    EXPECT_EQ(all[i]["name"], experiment.name);
    EXPECT_EQ(all[i]["has_figure"], experiment.has_figure);
    const auto request = experiment.begin();
    EXPECT_EQ(all[i]["schema"]["properties"].size(), request->fields().all().size());
  }
  EXPECT_EQ(stratoscope_experiments(), stratoscope_experiments());
}

void expect_same_arrays(const CResult& result, const std::vector<NamedValues>& expected) {
  std::vector<std::string> names;
  for (const NamedValues& values : expected) {
    names.push_back(values.name);
    EXPECT_EQ(result.shape(values.name), values.shape);
    std::visit(
        [&]<class T>(const std::vector<T>& numbers) {
          const char* format = std::is_same_v<T, double> ? "F64" : sizeof(T) == 4 ? "I32" : "I64";
          const std::vector<T> found = result.values<T>(values.name, format);
          ASSERT_EQ(found.size(), numbers.size());
          EXPECT_TRUE(numbers.empty() || std::memcmp(found.data(), numbers.data(), numbers.size() * sizeof(T)) == 0)
              << values.name;
        },
        values.values);
  }
  EXPECT_EQ(result.names(), names);
}

TEST(CExperiments, HaveTheDocumentsArraysAndFiguresOfTheLibrary) {
  const testing::TemporaryFolder folder;
  std::size_t figures = 0, arrays = 0;
  for (const Experiment& experiment : all_experiments()) {
    SCOPED_TRACE(experiment.name);
    json body = json::parse(experiment.example);
    if (experiment.name == "run") body = {{"text", {kPenguins}}, {"save", (folder / "run.npz").string()}};
    const CResult result = c_request(c_built_in(), experiment.name, body);
    ASSERT_EQ(result.status, STRATOSCOPE_OK) << CModel::problem();
    const auto request = experiment.begin();
    read_json(request->fields(), body);
    request->check();
    const auto expected = request->run(test::built_in());
    json document = result.document(), expected_document = json::parse(expected->document().text());
    if (experiment.name == "info") {  // it tells how much memory is in use
      document.erase("memory");
      expected_document.erase("memory");
    }
    EXPECT_EQ(document, expected_document);
    expect_same_arrays(result, expected->arrays());
    arrays += expected->arrays().size();
    const char* bytes = nullptr;
    std::size_t size = 0;
    const int status = stratoscope_result_figure(result.get(), "vl.json", "dark", &bytes, &size);
    if (!experiment.has_figure) {
      EXPECT_EQ(status, STRATOSCOPE_USAGE);
      EXPECT_TRUE(failed_with(STRATOSCOPE_USAGE, "has no figure"));
      continue;
    }
    ++figures;
    ASSERT_EQ(status, STRATOSCOPE_OK) << CModel::problem();
    EXPECT_EQ(std::string(bytes, size), vega_lite(*expected->figure(), Theme::dark));
    const char* light = nullptr;
    ASSERT_EQ(stratoscope_result_figure(result.get(), "csv", "light", &light, &size), STRATOSCOPE_OK);
    EXPECT_EQ(std::string(light, size), csv(*expected->figure()));
    const char* again = nullptr;
    ASSERT_EQ(stratoscope_result_figure(result.get(), "vl.json", "dark", &again, &size), STRATOSCOPE_OK);
    EXPECT_EQ(again, bytes) << "it is drawn once";
  }
  EXPECT_GT(figures, 8U);
  EXPECT_GT(arrays, 20U);
}

TEST(CExperiments, OutliveTheirModel) {
  CModel model;
  const CResult result = c_request(model, "lens", {{"text", kPenguins}});
  ASSERT_EQ(result.status, STRATOSCOPE_OK) << CModel::problem();
  const std::string document = stratoscope_result_json(result.get());
  model.close();
  EXPECT_EQ(stratoscope_result_json(result.get()), document);
  ASSERT_GT(stratoscope_result_array_count(result.get()), 0U);
  stratoscope_array array{};
  EXPECT_EQ(stratoscope_result_array(result.get(), 0, &array), STRATOSCOPE_OK);
  const char* bytes = nullptr;
  std::size_t size = 0;
  EXPECT_EQ(stratoscope_result_figure(result.get(), "vl.json", "light", &bytes, &size), STRATOSCOPE_OK);
}

TEST(CExperiments, RefuseWhatTheyCannotDo) {
  const testing::TemporaryFolder folder;
  for (const auto& [name, body, status, part] : {
           std::tuple<const char*, json, int, const char*>{
               "predikt", {}, STRATOSCOPE_UNKNOWN, "did you mean 'predict'"},
           {"predict", json::object(), STRATOSCOPE_USAGE, "'text' is missing"},
           {"predict", {{"text", kPenguins}, {"top", 0}}, STRATOSCOPE_USAGE, "'top' is below 1"},
           {"predict", {{"text", kPenguins}, {"top", "many"}}, STRATOSCOPE_USAGE, "'top'"},
           {"predict", {{"text", kPenguins}, {"edits", {"blocks.1 *= "}}}, STRATOSCOPE_EDIT, "edit 1"},
           {"predict", json::array(), STRATOSCOPE_USAGE, "not a JSON object"},
           {"lens", {{"text", std::string(20000, 'a')}}, STRATOSCOPE_USAGE, "more than the model's context"},
           {"run", {{"text", {kPenguins}}, {"save", "/no/such/folder/a.npz"}}, STRATOSCOPE_FILE, "/no/such/folder"},
           {"sweep",
            {{"text", kPenguins}, {"edits", {"blocks.{layer}.hook_mlp_out *= 0"}}, {"axes", {"layer=99"}}},
            STRATOSCOPE_USAGE,
            "99 is out of range"},
       }) {
    const CResult result = c_request(c_built_in(), name, body);
    EXPECT_EQ(result.status, status) << name << " " << body.dump().substr(0, 100);
    EXPECT_TRUE(failed_with(status, part)) << name;
    EXPECT_EQ(result.get(), nullptr);
  }
}

TEST(CTokenize, IsTheExperimentTokens) {
  CResult tokens;
  ASSERT_EQ(stratoscope_tokenize(c_built_in().get(), kPenguins, tokens.to()), STRATOSCOPE_OK);
  EXPECT_EQ(tokens.document(), c_request(c_built_in(), "tokens", {{"text", kPenguins}}).document());
  const Text text = test::built_in().read(kPenguins);
  EXPECT_EQ(tokens.values<std::int32_t>("ids", "I32"), text.ids);
  const auto offsets = tokens.values<std::int64_t>("offsets", "I64");
  ASSERT_EQ(tokens.shape("offsets"), (std::vector<std::size_t>{text.ids.size(), 2}));
  for (std::size_t i = 0; i < text.offsets.size(); ++i) {
    EXPECT_EQ(offsets[2 * i], static_cast<std::int64_t>(text.offsets[i].first));
    EXPECT_EQ(offsets[2 * i + 1], static_cast<std::int64_t>(text.offsets[i].second));
  }
}

TEST(CTokenize, OfNoTextGivesEmptyArrays) {
  CResult tokens;
  ASSERT_EQ(stratoscope_tokenize(c_built_in().get(), "", tokens.to()), STRATOSCOPE_OK) << CModel::problem();
  EXPECT_EQ(tokens.array("ids").data, nullptr);
  EXPECT_EQ(tokens.shape("offsets"), (std::vector<std::size_t>{0, 2}));
  stratoscope_result* none = nullptr;
  EXPECT_EQ(stratoscope_tokenize(c_built_in().get(), "\xff\xfe", &none), STRATOSCOPE_USAGE);
  EXPECT_TRUE(failed_with(STRATOSCOPE_USAGE, "UTF-8"));
}

}  // namespace
}  // namespace stratoscope
