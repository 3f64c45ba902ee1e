#include "apps/server/experiment_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"

namespace stratoscope::server {
namespace {

nlohmann::json sample() {
  return nlohmann::json::parse(R"({"stratoscope": "experiment", "version": "0.1.0",
    "model": {"name": "novella-7m", "hash": "00ff"}, "text": "a text", "edits": ["blocks.3.hook_resid_post *= 0.8"],
    "sweep": {"edits": ["blocks.{layer}.hook_resid_post *= 0.8"], "axes": ["layer=all"], "targets": [" x"],
              "metric": "log_prob"}, "note": "why", "state": {"depth": 3}, "result": {}})");
}

std::string error_of(const nlohmann::json& experiment, int status = 400) {
  try {
    read_experiment(experiment.dump());
  } catch (const HttpError& error) {
    EXPECT_EQ(error.status(), status);
    return error.what();
  }
  ADD_FAILURE() << "was taken: " << experiment;
  return {};
}

TEST(ExperimentFile, IsReadWithItsSummary) {
  const SavedExperiment saved = read_experiment(sample().dump());
  EXPECT_EQ(saved.summary.text, "a text");
  EXPECT_EQ(saved.summary.note, "why");
  EXPECT_EQ(saved.summary.model, "novella-7m");
  EXPECT_EQ(nlohmann::json::parse(saved.document), sample());
}

TEST(ExperimentFile, RejectsOtherDocumentsWithAReason) {
  EXPECT_NE(error_of(nlohmann::json::object()).find("not an experiment"), std::string::npos);
  for (const char* name : {"version", "model", "text"}) {
    auto without = sample();
    without.erase(name);
    EXPECT_NE(error_of(without).find(name), std::string::npos);
  }
  auto changed = sample();
  changed["sweep"]["metric"] = 3;
  EXPECT_NE(error_of(changed).find("metric"), std::string::npos);
  changed = sample();
  changed["result"] = 1;
  error_of(changed);
  changed = sample();
  changed["virus"] = 1;
  EXPECT_NE(error_of(changed).find("virus"), std::string::npos);
}

TEST(ExperimentFile, RejectsInvalidValues) {
  const std::pair<const char*, nlohmann::json> wrong[] = {{"/sweep/metric", "prob; touch x"},
                                                          {"/sweep/metric", "-x"},
                                                          {"/sweep/axes/0", "layer"},
                                                          {"/sweep/axes/0", "--over=all"},
                                                          {"/sweep/axes/0", "a\n=1"},
                                                          {"/sweep/axes/0", 3},
                                                          {"/sweep/axes", "layer=all"},
                                                          {"/sweep/targets/0", 3},
                                                          {"/sweep/edits/0", "x\x1b[2J *= 0"},
                                                          {"/edits/0", "x\n*= 0"},
                                                          {"/edits/0", nullptr},
                                                          {"/state/depth", -1},
                                                          {"/state/depth", "3"},
                                                          {"/state/sweep", "x"},
                                                          {"/state/sweep/metric", "none"},
                                                          {"/state/sweep/over", "layer,$x"},
                                                          {"/state/sweep/hook", 3},
                                                          {"/state/sweep/hook", "a\nb"},
                                                          {"/model/name", "a\nb"},
                                                          {"/command", "predict\nrm"},
                                                          {"/edits/0", std::string(4001, 'x')}};
  for (const auto& [place, value] : wrong) {
    auto changed = sample();
    changed["state"]["sweep"] = nlohmann::json::object();
    changed[nlohmann::json::json_pointer(place)] = value;
    EXPECT_LE(error_of(changed).size(), 500U) << place;
  }
}

TEST(ExperimentFile, RejectsDocumentsOverTheLimit) {
  auto large = sample();
  large["result"] = {{"x", std::string(kExperimentBytes, 'x')}};
  error_of(large, 413);
}

}  // namespace
}  // namespace stratoscope::server
