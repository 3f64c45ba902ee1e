// The arrays of each experiment's result hold the numbers of its document.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "stratoscope/experiments/experiment.h"
#include "stratoscope/request/json_fields.h"
#include "tests/support/built_in_model.h"

namespace stratoscope {
namespace {

// All numbers at a path of names, in which * means every entry of a list; null is NaN.
void collect(const nlohmann::json& json, std::istringstream path, std::vector<double>& numbers) {
  std::string name;
  if (!std::getline(path, name, '/')) {
    if (json.is_array())
      for (const auto& entry : json) collect(entry, std::istringstream(), numbers);
    else
      numbers.push_back(json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>());
    return;
  }
  std::string rest;
  std::getline(path, rest, '\0');
  if (name == "*") {
    for (const auto& entry : json) collect(entry, std::istringstream(rest), numbers);
  } else {
    collect(json.at(nlohmann::json::json_pointer("/" + name)), std::istringstream(rest), numbers);
  }
}

std::vector<double> numbers_of(const NamedValues& array) {
  return std::visit([](const auto& values) { return std::vector<double>(values.begin(), values.end()); }, array.values);
}

bool are_equal(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return (std::isnan(x) && std::isnan(y)) || std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  });
}

struct Made {
  nlohmann::json document;
  std::vector<NamedValues> arrays;

  const NamedValues& array(const std::string& name) const {
    for (const NamedValues& array : arrays)
      if (array.name == name) return array;
    throw std::out_of_range(name);
  }
};

Made made(const std::string& name, const nlohmann::json& body) {
  for (const Experiment& experiment : all_experiments()) {
    if (experiment.name != name) continue;
    const auto request = experiment.begin();
    read_json(request->fields(), body, {});
    request->check();
    const Session& session = test::built_in(Precision::fp32);
    const auto result = request->run(session);
    return {nlohmann::json::parse(result->document().text()), result->arrays()};
  }
  throw std::out_of_range(name);
}

struct Expected {
  const char* experiment;
  const char* body;
  const char* array;
  const char* path;  // in the document
};

constexpr const char* kText = R"({"text": "Penguins are cute."})";
constexpr const char* kSweep = R"({"text": "Penguins are cute.", "edits": ["blocks.{layer}.hook_mlp_out *= {f}"],
                                   "axes": ["layer=all", "f=0,0.5"], "targets": [" and"]})";
constexpr const char* kGroups = R"({"group_a": ["I love it.", "A fine day."], "group_b": ["I hate it.", "A foul day."],
                                    "shuffles": 2})";
constexpr const char* kChoices =
    R"({"choices": [{"text": "Penguins are", "choices": ["cute.", "rude."], "label": 0}]})";

constexpr const char* kHooks = R"({"text": "Penguins are cute.", "hooks": ["hook_q", "hook_attn_scores"]})";

class Arrays : public testing::TestWithParam<Expected> {};

TEST_P(Arrays, HaveTheNumbersOfTheDocument) {
  const Expected& expected = GetParam();
  const Made result = made(expected.experiment, nlohmann::json::parse(expected.body));
  std::set<std::string> names;
  for (const NamedValues& array : result.arrays) {
    EXPECT_TRUE(names.insert(array.name).second) << array.name;
    EXPECT_EQ(numbers_of(array).size(), element_count(array.shape)) << array.name;
  }
  std::vector<double> numbers;
  collect(result.document, std::istringstream(expected.path), numbers);
  ASSERT_FALSE(numbers.empty());
  EXPECT_TRUE(are_equal(numbers_of(result.array(expected.array)), numbers));
}

constexpr Expected kAll[] = {
    {"tokens", kText, "ids", "ids"},
    {"tokens", kText, "offsets", "offsets"},
    {"predict", kText, "ids", "predictions/*/id"},
    {"predict", kText, "probs", "predictions/*/prob"},
    {"score", kChoices, "log_probs", "items/*/choices/*/log_prob"},
    {"score", kChoices, "choice_tokens", "items/*/choices/*/tokens"},
    {"activations", kText, "variance", "layers/*/variance"},
    {"activations", kText, "norm", "layers/*/norm"},
    {"distributions", kHooks, "counts", "hooks/*/blocks/*/counts"},
    {"distributions", kHooks, "edges", "hooks/*/edges"},
    {"distributions", kHooks, "kurtosis", "hooks/*/blocks/*/kurtosis"},
    {"distributions", kHooks, "zeros", "hooks/*/blocks/*/zeros"},
    {"embeddings", R"({"words": [" man", " king"]})", "vectors", "words/*/vector"},
    {"embeddings", R"({"words": [" man", " king"]})", "ids", "words/*/id"},
    {"embeddings", R"({"words": [" man", " king"]})", "cosines", "cosines"},
    {"embeddings", R"({"words": [" man", " king"]})", "map", "pca/points"},
    {"weights", R"({"names": ["wpe.weight"], "rows": [1, 3]})", "rows", "rows/*/values"},
    {"weights", R"({"names": ["wpe.weight"]})", "counts", "histogram/counts"},
    {"similarity", R"({"text": "Penguins are cute.", "across": "layers"})", "values", "matrices"},
    {"similarity", R"({"text": "Penguins are cute.", "across": "tokens"})", "values", "matrices"},
    {"similarity", R"({"text": "Penguins are cute.", "profile": true})", "values", "layers/*/values"},
    {"similarity", R"({"text": "Penguins are cute.", "profile": true})", "medians", "layers/*/median"},
    {"sweep", kSweep, "values", "results/*/value"},
    {"sweep", kSweep, "clean", "clean"},
    {"patch", R"({"text": "Penguins are cute.", "corrupt": "Penguins are rude.", "targets": [" and"]})",
     "hook_resid_pre", "grids/0/values"},
    {"edges", R"({"text": "Penguins are", "targets": [" cute"]})", "values", "values"},
    {"steer", R"({"text": "Penguins are", "positive": ["I love it."], "negative": ["I hate it."], "layers": [3],
                  "max_new": 0})",
     "values", "results/*/value"},
    {"compare", kGroups, "accuracy", "layers/*/probe/accuracy"},
    {"compare", kGroups, "chance_accuracy", "layers/*/probe/chance_accuracy"},
    {"compare", kGroups, "rsa", "rsa/matrix"},
    {"lens", kText, "probs", "layers/*/positions/*/*/prob"},
    {"lens", kText, "ids", "layers/*/positions/*/*/id"},
    {"lens", kText, "target_rank", "layers/*/summary/*/target_rank"},
    {"lens", kText, "kl", "layers/*/summary/*/kl"},
    {"attention", kText, "induction", "heads/*/induction"},
    {"attribution", kText, "components", "components/*/contribution"},
    {"attribution", kText, "heads", "heads/*/contribution"},
    {"attribution", kText, "by_source", "by_source"},
    {"geometry", kText, "norms", "layers/*/norms"},
    {"geometry", kText, "participation_ratio", "layers/*/participation_ratio"},
    {"geometry", kText, "components", "layers/*/components"},
    {"geometry", kText, "shuffled_components", "layers/*/shuffled_components"},
    {"geometry", kText, "cka", "cka"},
    {"geometry", kText, "trajectories", "pca/trajectories/*/points"},
    {"generate", R"({"text": "Penguins are", "max_new": 3})", "log_probs", "tokens/*/log_prob"},
    {"verify", kText, "max_abs", "hook_points/*/max_abs"},
};

INSTANTIATE_TEST_SUITE_P(OfExperiments, Arrays, testing::ValuesIn(kAll), [](const auto& of) {
  return std::string(of.param.experiment) + "_" + of.param.array + "_" + std::to_string(of.index);
});

TEST(Arrays, OfAblationsAreByPlace) {
  const Made result = made("ablate", {{"text", "Penguins are cute."}, {"targets", {" and"}}});
  EXPECT_EQ(result.array("head").shape, (Shape{12, 6}));
  EXPECT_EQ(result.array("mlp").shape, Shape{12});
  for (const nlohmann::json& one : result.document["ablations"]) {
    const NamedValues& array = result.array(one["part"]);
    const std::size_t at = one["layer"].get<std::size_t>() * (array.shape.size() > 1 ? array.shape[1] : 1) +
                           (one.contains("head") ? one["head"].get<std::size_t>() : 0);
    EXPECT_EQ(numbers_of(array)[at], one["value"].get<double>()) << one;
  }
}

TEST(Arrays, OfASweepHaveTheEffectOfEachPoint) {
  const Made result = made("sweep", nlohmann::json::parse(kSweep));
  EXPECT_EQ(result.array("values").shape, (Shape{12, 2}));
  const std::vector<double> kl = numbers_of(result.array("kl"));
  EXPECT_EQ(result.array("kl").shape, (Shape{12, 2}));
  EXPECT_EQ(*std::max_element(kl.begin(), kl.end()), result.document["effect"]["kl"].get<double>());
}

TEST(Arrays, OfPatternsAreWholeMatrices) {
  const Made result = made("attention", {{"text", "Penguins are cute."}, {"heads", {"L5H3"}}});
  const NamedValues& patterns = result.array("patterns");
  const auto& weights = result.document["patterns"][0]["weights"];
  ASSERT_EQ(patterns.shape, (Shape{1, weights.size(), weights.size()}));
  for (std::size_t query = 0; query < weights.size(); ++query)
    for (std::size_t key = 0; key < weights.size(); ++key)
      EXPECT_EQ(numbers_of(patterns)[query * weights.size() + key],
                key < weights[query].size() ? weights[query][key].get<double>() : 0.0);
}

TEST(Arrays, OfPromptsWithEqualGridsHaveAnAxisMore) {
  nlohmann::json body = nlohmann::json::parse(kSweep);
  body.erase("text");
  body["prompts"] = {{{"text", "Penguins are cute."}}, {{"text", "Penguins"}}};
  const Made result = made("sweep", body);
  EXPECT_EQ(result.array("values").shape, (Shape{2, 12, 2}));
  EXPECT_EQ(result.array("clean").shape, Shape{2});
  body["axes"] = {"layer=3", "f=0"};
  body["edits"] = {"blocks.{layer}.hook_mlp_out[{position}] *= {f}"};
  body["axes"].push_back("position=all");
  const Made ragged = made("sweep", body);
  EXPECT_EQ(ragged.array("values.0").shape, (Shape{1, 1, 6}));
  EXPECT_EQ(ragged.array("values.1").shape, (Shape{1, 1, 3}));
}

TEST(Arrays, HaveAsManyValuesAsTheirShape) {
  EXPECT_THROW(static_cast<void>(named_values("x", {2, 2}, std::vector<double>{1, 2, 3})), Error);
}

}  // namespace
}  // namespace stratoscope
