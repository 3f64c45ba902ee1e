// Experiments on a text that is held open against those that run it anew: the same documents and arrays.
#include "stratoscope/session/open_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "stratoscope/experiments/experiment.h"
#include "stratoscope/request/json_fields.h"
#include "tests/support/built_in_model.h"

namespace stratoscope {
namespace {

using nlohmann::json;
using test::built_in;

struct Case {
  const char* experiment;
  const char* body;
};

const std::vector<Case> kCases = {
    {"predict", R"({"compare": true, "targets": [" and"], "position": 2})"},
    {"predict", R"({"all": true, "top": 3})"},
    {"activations", R"({"compare": true, "token": -2})"},
    {"activations", R"({"no_effect": true})"},
    {"similarity", R"({"across": "layers", "tokens": [3], "compare": true})"},
    {"similarity", R"({"across": "tokens", "layers": [0, 5, -1], "positions": "1:4", "compare": true})"},
    {"similarity", R"({"profile": true, "most_pairs": 3, "compare": true})"},
    {"lens", R"({"top": 2, "compare": true, "positions": "0,-1"})"},
    {"lens", R"({"depths": [2, -1], "target": " and", "no_effect": true})"},
    {"lens", R"({"raw": true, "target": " and", "positions": "0,2,-1", "compare": true})"},
    {"attention", R"({"heads": ["L2H1", "L5H0"], "compare": true, "thumbnails": 3})"},
    {"attention", R"({"layer": [4], "no_scores": true, "positions": "1:3", "repeat": true})"},
};

const std::vector<std::vector<const char*>> kEditsOfCases = {
    {},
    {"blocks.3.hook_resid_post *= 0.5", "blocks.5.attn.hook_z.head[1] = zero"},
    {"hook_embed[1] = zero", "blocks.2.attn.hook_pattern.head[1] = zero"},
    {"blocks.11.hook_resid_post *= 2", "unembed.hook_in[1:] += 0.5"},
    {"logits[2:].dim[11] += 30"},
};

const Experiment& experiment_named(const std::string& name) {
  const auto& all = all_experiments();
  return *std::find_if(all.begin(), all.end(), [&](const Experiment& one) { return one.name == name; });
}

std::unique_ptr<ExperimentRequest> request_of(const Case& of, const std::vector<const char*>& edits) {
  auto request = experiment_named(of.experiment).begin();
  json body = json::parse(of.body);
  body["text"] = test::kPenguins;
  body["edits"] = edits;
  read_json(request->fields(), body);
  return request;
}

void expect_same(const ExperimentResult& a, const ExperimentResult& b) {
  EXPECT_EQ(a.document().text(), b.document().text());
  const auto of_a = a.arrays(), of_b = b.arrays();
  ASSERT_EQ(of_a.size(), of_b.size());
  ASSERT_FALSE(of_a.empty());
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    EXPECT_EQ(of_a[i].name, of_b[i].name);
    EXPECT_EQ(of_a[i].shape, of_b[i].shape);
    std::visit(
        [&]<class T>(const std::vector<T>& values) {
          const auto& others = std::get<std::vector<T>>(of_b[i].values);
          EXPECT_TRUE(std::equal(values.begin(), values.end(), others.begin(), others.end(), [](T x, T y) {
            return x == y || (x != x && y != y);
          })) << of_a[i].name;
        },
        of_a[i].values);
  }
}

TEST(OpenTextExperiments, HaveTheBitsOfWholeRuns) {
  for (const auto& edits : kEditsOfCases)
    for (const Case& of : kCases) {
      SCOPED_TRACE(std::string(of.experiment) + " " + of.body + " " + (edits.empty() ? "clean" : edits[0]));
      const auto request = request_of(of, edits), same = request_of(of, edits);
      const auto text = request->text_to_open();
      ASSERT_TRUE(text);
      OpenText open(built_in(), text->text, text->options);
      open.set_edits(text->edits);
      EXPECT_TRUE(open.is_finite());
      expect_same(*request->run(built_in(), open), *same->run(built_in()));
    }
}

TEST(OpenTextExperiments, FindTheFirstNumberThatIsNotFinite) {
  const std::vector<const char*> edits = {"blocks.3.mlp.hook_pre[2] += -1e38", "blocks.3.mlp.hook_pre[2] *= 100"};
  for (const Case& of : {kCases[0], kCases[2], kCases[4], kCases[7], kCases[9]}) {
    SCOPED_TRACE(of.experiment);
    const auto request = request_of(of, edits), same = request_of(of, edits);
    const auto text = request->text_to_open();
    OpenText open(built_in(), text->text, text->options);
    open.set_edits(text->edits);
    EXPECT_FALSE(open.is_finite());
    const auto result = request->run(built_in(), open);
    EXPECT_NE(result->document().text().find("blocks.3.mlp.hook_pre"), std::string::npos);
    EXPECT_EQ(result->document().text(), same->run(built_in())->document().text());
  }
}

TEST(OpenTextExperiments, OtherRequestsNeedWholeRuns) {
  EXPECT_FALSE(request_of({"lens", R"({"at": "mlp_out"})"}, {})->text_to_open());
  EXPECT_FALSE(request_of({"geometry", "{}"}, {})->text_to_open());
}

}  // namespace
}  // namespace stratoscope
