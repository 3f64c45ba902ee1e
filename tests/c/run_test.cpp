// Runs through the C interface have the bits of the C++ functions.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "stratoscope/probe/captures.h"
#include "tests/c/handles.h"
#include "tests/support/errors.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using test::built_in;
using test::c_built_in;
using test::c_run;
using test::CModel;
using test::CResult;
using test::failed_with;
using test::json;
using test::kPenguins;

template <class T>
std::vector<T> numbers(const BasicTensor<T>& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

RunRequest request_of(const std::vector<std::string>& texts) {
  RunRequest request;
  for (const std::string& text : texts) request.sequences.push_back(built_in().read(text).ids);
  return request;
}

TEST(CRun, OfOneTextHasTheBitsOfTheModel) {
  const auto expected = built_in().model().run(request_of({kPenguins}));
  const CResult result = c_run(c_built_in(), {{"texts", {kPenguins}}});
  ASSERT_EQ(result.status, STRATOSCOPE_OK) << CModel::problem();
  EXPECT_EQ(result.names(), (std::vector<std::string>{"ids", "row_offsets", "hidden_states", "logits"}));
  EXPECT_EQ(result.values<float>("hidden_states", "F32"), numbers(expected.hidden_states));
  EXPECT_EQ(result.shape("hidden_states"), expected.hidden_states.shape());
  EXPECT_EQ(result.values<float>("logits", "F32"), numbers(expected.logits));
  EXPECT_EQ(result.shape("logits"), expected.logits.shape());
  const Text text = built_in().read(kPenguins);
  EXPECT_EQ(result.values<std::int32_t>("ids", "I32"), text.ids);
  EXPECT_EQ(result.values<std::int64_t>("row_offsets", "I64"),
            (std::vector<std::int64_t>{0, static_cast<std::int64_t>(text.ids.size())}));
  const json document = result.document();
  EXPECT_EQ(document["model"]["name"], "novella-7m");
  EXPECT_EQ(document["sequences"][0]["text"], kPenguins);
  EXPECT_EQ(document["sequences"][0]["tokens"], text.tokens);
  EXPECT_EQ(document["arrays"][2]["name"], "hidden_states");
  EXPECT_FALSE(document.contains("effect"));
}

TEST(CRun, OfSeveralTextsEachHasTheBitsOfItselfAlone) {
  const std::vector<std::string> texts = {kPenguins, "a", "As Gregor Samsa awoke one morning"};
  const CResult all = c_run(c_built_in(), {{"texts", texts}, {"capture", {"blocks.3.hook_mlp_out"}}});
  ASSERT_EQ(all.status, STRATOSCOPE_OK) << CModel::problem();
  const auto offsets = all.values<std::int64_t>("row_offsets", "I64");
  ASSERT_EQ(offsets.size(), 4U);
  for (std::size_t s = 0; s < texts.size(); ++s) {
    const CResult one = c_run(c_built_in(), {{"texts", {texts[s]}}, {"capture", {"blocks.3.hook_mlp_out"}}});
    for (const char* name : {"logits", "blocks.3.hook_mlp_out"}) {
      const auto whole = all.values<float>(name, "F32"), alone = one.values<float>(name, "F32");
      const std::size_t width = all.shape(name).back();
      ASSERT_EQ(alone.size(), static_cast<std::size_t>(offsets[s + 1] - offsets[s]) * width);
      EXPECT_EQ(std::memcmp(whole.data() + static_cast<std::size_t>(offsets[s]) * width, alone.data(),
                            alone.size() * sizeof(float)),
                0)
          << name << " of text " << s;
    }
  }
}

TEST(CRun, CapturesByEveryName) {
  const std::vector<HookExpression> expressions = {"blocks.*.hook_mlp_out", "L5H3.pattern",
                                                   "blocks.2.hook_resid_pre[-1]"};
  RunRequest request = request_of({kPenguins});
  const CaptureList list(expressions, built_in().config());
  const std::size_t offsets[] = {0, request.sequences[0].size()};
  request.captures = list.of_texts(offsets);
  const auto expected = built_in().model().run(request);
  json written = json::array();
  for (const HookExpression& expression : expressions) written.push_back(expression.text);
  const CResult result =
      c_run(c_built_in(), {{"texts", {kPenguins}}, {"capture", written}, {"hidden_states", false}, {"logits", "none"}});
  ASSERT_EQ(result.status, STRATOSCOPE_OK) << CModel::problem();
  EXPECT_EQ(result.names().size(), 2 + expected.captured.size());
  for (const auto& [point, value] : expected.captured) {
    EXPECT_EQ(result.values<float>(name_of(point), "F32"), numbers(value)) << name_of(point);
    EXPECT_EQ(result.shape(name_of(point)), value.shape());
  }
  EXPECT_EQ(result.document()["globs"][0]["hook_points"].size(), 12U);
}

TEST(CRun, OfIdsAndOfPartsOfAPass) {
  const Text text = built_in().read(kPenguins);
  const CResult whole = c_run(c_built_in(), {{"texts", {kPenguins}}});
  const CResult ids = c_run(c_built_in(), {{"ids", {text.ids}}});
  ASSERT_EQ(ids.status, STRATOSCOPE_OK) << CModel::problem();
  EXPECT_EQ(ids.values<float>("logits", "F32"), whole.values<float>("logits", "F32"));
  EXPECT_EQ(ids.document()["sequences"][0]["tokens"], text.tokens);

  const CResult last = c_run(c_built_in(), {{"ids", {text.ids, text.ids}}, {"logits", "last"}});
  ASSERT_EQ(last.shape("logits"), (std::vector<std::size_t>{2, built_in().config().d_vocab}));

  const CResult part = c_run(c_built_in(), {{"ids", {text.ids}}, {"stop_at", 4}, {"hidden_states", false}});
  ASSERT_EQ(part.status, STRATOSCOPE_OK) << CModel::problem();
  EXPECT_EQ(part.names(), (std::vector<std::string>{"ids", "row_offsets", "residual"}));
  const auto residual = part.values<float>("residual", "F32"), states = whole.values<float>("hidden_states", "F32");
  EXPECT_EQ(std::memcmp(residual.data(), states.data() + 4 * residual.size(), residual.size() * sizeof(float)), 0);
}

TEST(CRun, InFloat64IsTheReference) {
  const std::string short_text = "Penguins";
  const CModel model({{"model", (test::kSource / "models/novella-7m").string()}, {"precision", "fp64"}});
  const auto expected = built_in().model().run_reference(request_of({short_text}));
  const CResult result = c_run(model, {{"texts", {short_text}}, {"capture", {"blocks.0.hook_resid_post"}}});
  ASSERT_EQ(result.status, STRATOSCOPE_OK) << CModel::problem();
  EXPECT_EQ(result.values<double>("logits", "F64"), numbers(expected.logits));
  EXPECT_EQ(result.values<double>("blocks.0.hook_resid_post", "F64").size(), 3 * built_in().config().d_model);
}

TEST(CRun, EditsAsExpressions) {
  const std::string edit = "blocks.5.hook_mlp_out[-1] *= 0", corrupt = "blocks.2.hook_resid_post[1] = corrupt";
  const Text text = built_in().read(kPenguins);
  const Edits edits{{edit, corrupt}, "A wise man once said: Penguins are rude."};
  const EditedRun expected = run_text(built_in(), text, edits, {});
  const json request = {{"texts", {kPenguins}}, {"edits", {edit, corrupt}}, {"corrupt", *edits.corrupt_text}};
  const CResult result = c_run(c_built_in(), request);
  ASSERT_EQ(result.status, STRATOSCOPE_OK) << CModel::problem();
  EXPECT_EQ(result.values<float>("logits", "F32"), numbers(std::get<0>(expected.run).logits));
  json with_effect = request;
  with_effect["effect"] = true;
  const json document = c_run(c_built_in(), with_effect).document();
  EXPECT_EQ(document["effect"]["kl"], expected.effect->kl);
  EXPECT_EQ(document["effect"]["max_change"], expected.effect->max_change);
}

TEST(CRun, WarnsOfNumbersThatAreNotFinite) {
  const json document =
      c_run(c_built_in(), {{"texts", {kPenguins}}, {"edits", {"blocks.5.hook_mlp_out[2] *= 1e38"}}}).document();
  ASSERT_TRUE(document.contains("warnings"));
  EXPECT_NE(
      document["warnings"].back().get<std::string>().find("not finite, first at blocks.5.hook_mlp_out, position 2"),
      std::string::npos);
}

TEST(CRun, RefusesWrongRequests) {
  const std::string text = R"("texts": ["a"])";
  for (const auto& [request, status, part] : {
           std::tuple<std::string, int, const char*>{"{}", STRATOSCOPE_USAGE, "give 'texts' or 'ids'"},
           {R"({"texts": []})", STRATOSCOPE_USAGE, "give 'texts' or 'ids'"},
           {R"({"texts": [""]})", STRATOSCOPE_USAGE, "is empty"},
           {R"({"texts": "a"})", STRATOSCOPE_USAGE, "'texts' is not a list"},
           {R"({"ids": [1, 2]})", STRATOSCOPE_USAGE, "list of lists"},
           {R"({"ids": [[-1]]})", STRATOSCOPE_USAGE, "list of lists"},
           {R"({"ids": [[4294967296]]})", STRATOSCOPE_USAGE, "list of lists"},
           {R"({"ids": [[]]})", STRATOSCOPE_ERROR, ""},
           {R"({"ids": [[8192]]})", STRATOSCOPE_ERROR, "8192"},
           {R"({"ids": [[1]], )" + text + "}", STRATOSCOPE_USAGE, "exclude each other"},
           {R"({"ids": [[1]], "bos": true})", STRATOSCOPE_USAGE, "'bos'"},
           {"{" + text + R"(, "edit": []})", STRATOSCOPE_USAGE, "did you mean 'edits'"},
           {"{" + text + R"(, "edits": ["blocks.1.hook_mlp_out *="]})", STRATOSCOPE_EDIT, "edit 1"},
           {"{" + text + R"(, "edits": ["blocks.1.hook_mlp *= 2"]})", STRATOSCOPE_UNKNOWN, "blocks.1.hook_mlp_out"},
           {"{" + text + R"(, "edits": ["blocks.1.hook_mlp_out[9] *= 2"]})", STRATOSCOPE_EDIT, "9 is out of range"},
           {"{" + text + R"(, "edits": ["blocks.1.hook_mlp_out = corrupt"]})", STRATOSCOPE_EDIT, "corrupt"},
           {"{" + text + R"(, "capture": ["blocks.12.hook_mlp_out"]})", STRATOSCOPE_UNKNOWN, "out of range"},
           {"{" + text + R"(, "capture": ["hook_embed[7]"]})", STRATOSCOPE_USAGE, "out of range"},
           {"{" + text + R"(, "edit_points": ["hook_embed"]})", STRATOSCOPE_USAGE, "needs the callback 'edit'"},
           {"{" + text + R"(, "logits": "some"})", STRATOSCOPE_USAGE, "one of none, last, all"},
           {"{" + text + R"(, "stop_at": 13})", STRATOSCOPE_USAGE, "13 is out of range"},
           {"{" + text + R"(, "stop_at": 1, "effect": true})", STRATOSCOPE_USAGE, "needs logits"},
           {"{" + text + R"(, "stop_at": 1, "capture": ["blocks.2.hook_mlp_out"]})", STRATOSCOPE_ERROR,
            "stops at block 1"},
           {std::string(100000, '['), STRATOSCOPE_USAGE, "the request"},
           {"{" + text + "} {}", STRATOSCOPE_USAGE, "the request"},
           {"{\"texts\": [\"\xff\"]}", STRATOSCOPE_USAGE, ""},
       }) {
    stratoscope_result* result = nullptr;
    EXPECT_EQ(stratoscope_run(c_built_in().get(), request.c_str(), nullptr, &result), status) << request.substr(0, 200);
    EXPECT_TRUE(failed_with(status, part)) << request.substr(0, 200);
    EXPECT_EQ(result, nullptr);
  }
}

TEST(CRun, RefusesArraysThatDoNotFitIntoMemory) {
  json ids = json::array();
  for (int i = 0; i < 4000; ++i) ids.push_back(std::vector<int>(400, 1));
  const CResult result = c_run(c_built_in(), {{"ids", ids}, {"capture", {"*"}}});
  EXPECT_EQ(result.status, STRATOSCOPE_MEMORY);
  EXPECT_TRUE(failed_with(STRATOSCOPE_MEMORY, "capture less"));
}

// The most memory that the process had since it was last asked, in bytes.
std::size_t peak_memory() {
  std::ifstream status("/proc/self/status");
  std::size_t kilobytes = 0;
  for (std::string word; status >> word;)
    if (word == "VmHWM:") status >> kilobytes;
  std::ofstream("/proc/self/clear_refs") << 5;
  return kilobytes * 1024;
}

TEST(CRun, CopiesNoArray) {
  if (test::kWatched) GTEST_SKIP() << "sanitizers need memory of their own";
  const json request = {{"ids", std::vector(10, std::vector<int>(400, 1))}};
  static_cast<void>(c_run(c_built_in(), {{"ids", {{1}}}}));  // the weights
  peak_memory();
  const std::size_t before = peak_memory();
  const CResult result = c_run(c_built_in(), request);
  const std::size_t peak = peak_memory();
  ASSERT_EQ(result.status, STRATOSCOPE_OK) << CModel::problem();
  std::size_t bytes = 0;
  for (const char* name : {"hidden_states", "logits"}) {
    const stratoscope_array array = result.array(name);
    bytes += array.shape[0] * static_cast<std::size_t>(array.strides[0]);
  }
  ASSERT_GT(bytes, std::size_t{100} << 20);
  EXPECT_GT(peak, bytes) << "the measure works";
  EXPECT_LT(peak, before + bytes + bytes / 2);
}

}  // namespace
}  // namespace stratoscope
