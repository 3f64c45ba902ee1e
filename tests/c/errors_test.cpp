// Hostile calls: nothing but an error comes of them.
#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "tests/c/handles.h"

namespace stratoscope {
namespace {

using test::c_built_in;
using test::c_request;
using test::CResult;
using test::failed_with;

TEST(CErrors, NullPointersAreRefused) {
  stratoscope_model* const model = c_built_in().get();
  const CResult result = c_request(c_built_in(), "tokens", {{"text", "a"}});
  stratoscope_result* out = nullptr;
  stratoscope_array array{};
  const char* bytes = nullptr;
  std::size_t size = 0;
  double number = 0;
  const float numbers[] = {1};
  const std::pair<const char*, int> calls[] = {
      {"model", stratoscope_open(nullptr, nullptr, nullptr)},
      {"model", stratoscope_tokenize(nullptr, "a", &out)},
      {"text", stratoscope_tokenize(model, nullptr, &out)},
      {"result", stratoscope_tokenize(model, "a", nullptr)},
      {"model", stratoscope_run(nullptr, "{}", nullptr, &out)},
      {"request", stratoscope_run(model, nullptr, nullptr, &out)},
      {"result", stratoscope_run(model, "{}", nullptr, nullptr)},
      {"model", stratoscope_request(nullptr, "info", nullptr, nullptr, &out)},
      {"experiment", stratoscope_request(model, nullptr, nullptr, nullptr, &out)},
      {"result", stratoscope_request(model, "info", nullptr, nullptr, nullptr)},
      {"model", stratoscope_tensor(nullptr, "wte.weight", &array, nullptr)},
      {"array", stratoscope_tensor(model, "wte.weight", nullptr, nullptr)},
      {"result", stratoscope_result_array(nullptr, 0, &array)},
      {"array", stratoscope_result_array(result.get(), 0, nullptr)},
      {"result", stratoscope_result_array_named(nullptr, "ids", &array)},
      {"name", stratoscope_result_array_named(result.get(), nullptr, &array)},
      {"array", stratoscope_result_array_named(result.get(), "ids", nullptr)},
      {"result", stratoscope_result_figure(nullptr, "csv", "light", &bytes, &size)},
      {"format", stratoscope_result_figure(result.get(), nullptr, "light", &bytes, &size)},
      {"theme", stratoscope_result_figure(result.get(), "csv", nullptr, &bytes, &size)},
      {"bytes", stratoscope_result_figure(result.get(), "csv", "light", nullptr, &size)},
      {"size", stratoscope_result_figure(result.get(), "csv", "light", &bytes, nullptr)},
      {"numbers", stratoscope_log_softmax(nullptr, 1, 1, &number)},
      {"out", stratoscope_log_softmax(numbers, 1, 1, nullptr)},
      {"out", stratoscope_cosine(numbers, 1, 1, nullptr)}};
  for (const auto& [argument, status] : calls) EXPECT_EQ(status, STRATOSCOPE_USAGE) << argument;
  EXPECT_EQ(out, nullptr);
  EXPECT_EQ(stratoscope_tokenize(model, nullptr, &out), STRATOSCOPE_USAGE);
  EXPECT_TRUE(failed_with(STRATOSCOPE_USAGE, "the argument text is NULL"));
  EXPECT_EQ(stratoscope_tensor(model, nullptr, nullptr, nullptr), STRATOSCOPE_OK) << "nothing is asked";

  EXPECT_EQ(stratoscope_result_json(nullptr), nullptr);
  EXPECT_EQ(stratoscope_result_array_count(nullptr), 0U);
  stratoscope_result_free(nullptr);
  stratoscope_close(nullptr);
}

TEST(CErrors, AreOfTheThread) {
  stratoscope_result* none = nullptr;
  ASSERT_EQ(stratoscope_request(c_built_in().get(), "nothing", nullptr, nullptr, &none), STRATOSCOPE_UNKNOWN);
  std::thread([&none] {
    EXPECT_EQ(stratoscope_last_error()->status, STRATOSCOPE_OK);
    EXPECT_STREQ(stratoscope_last_error()->problem, "");
    EXPECT_STREQ(stratoscope_last_error()->details, "");
    EXPECT_EQ(stratoscope_tokenize(nullptr, "a", &none), STRATOSCOPE_USAGE);
  }).join();
  EXPECT_TRUE(failed_with(STRATOSCOPE_UNKNOWN, "'nothing'"));
}

TEST(CErrors, HaveDetailsWhereThereAreAny) {
  const CResult result =
      c_request(c_built_in(), "predict", {{"text", "a"}, {"edits", {"blocks.3.hook_resid_post *= x"}}});
  EXPECT_EQ(result.status, STRATOSCOPE_EDIT);
  EXPECT_NE(std::string(stratoscope_last_error()->details).find('^'), std::string::npos);
  EXPECT_EQ(stratoscope_tokenize(nullptr, "a", nullptr), STRATOSCOPE_USAGE);
  EXPECT_STREQ(stratoscope_last_error()->details, "");
}

TEST(CErrors, UnknownArraysAndFormats) {
  const CResult result = c_request(c_built_in(), "activations", {{"text", test::kPenguins}});
  stratoscope_array array{};
  array.rank = 77;
  EXPECT_EQ(stratoscope_result_array_named(result.get(), "variances", &array), STRATOSCOPE_UNKNOWN);
  EXPECT_TRUE(failed_with(STRATOSCOPE_UNKNOWN, "'variances'"));
  for (const std::size_t index :
       {stratoscope_result_array_count(result.get()), std::numeric_limits<std::size_t>::max()})
    EXPECT_EQ(stratoscope_result_array(result.get(), index, &array), STRATOSCOPE_UNKNOWN);
  EXPECT_EQ(array.rank, 77U) << "it is unchanged";
  const char* bytes = nullptr;
  std::size_t size = 0;
  EXPECT_EQ(stratoscope_result_figure(result.get(), "gif", "light", &bytes, &size), STRATOSCOPE_USAGE);
  EXPECT_TRUE(failed_with(STRATOSCOPE_USAGE, "one of svg, png, pdf, html, csv, vl.json"));
  EXPECT_EQ(stratoscope_result_figure(result.get(), "csv", "grey", &bytes, &size), STRATOSCOPE_USAGE);
  EXPECT_TRUE(failed_with(STRATOSCOPE_USAGE, "one of light, dark"));
}

}  // namespace
}  // namespace stratoscope
