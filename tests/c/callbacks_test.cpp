// Callbacks: progress and its cancelling, events, edits; in the caller's thread and on its cores.
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <thread>

#include "stratoscope/model/make_edit.h"
#include "tests/c/handles.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

using test::built_in;
using test::c_built_in;
using test::c_request;
using test::c_run;
using test::CModel;
using test::CResult;
using test::failed_with;
using test::json;
using test::kPenguins;

cpu_set_t own_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  EXPECT_EQ(::sched_getaffinity(0, sizeof cores, &cores), 0);
  return cores;
}

// What the callbacks were told. After `calls_left` calls they ask to stop.
struct Told {
  std::size_t calls_left = static_cast<std::size_t>(-1);
  std::vector<std::pair<std::string, std::size_t>> progress = {};
  std::vector<std::pair<std::string, json>> events = {};
  std::vector<std::string> edits = {};
  std::thread::id thread = std::this_thread::get_id();
  cpu_set_t cores = own_cores();

  int call() {
    EXPECT_EQ(std::this_thread::get_id(), thread);
    const cpu_set_t now = own_cores();
    EXPECT_TRUE(CPU_EQUAL(&now, &cores)) << "a thread of a callback would run on one core alone";
    return calls_left-- == 0 ? 1 : 0;
  }
};

int tell_progress(void* user, const char* task, std::size_t done, std::size_t total) {
  EXPECT_LE(done, total);
  static_cast<Told*>(user)->progress.emplace_back(task, done);
  return static_cast<Told*>(user)->call();
}

int tell_event(void* user, const char* name, const char* data) {
  static_cast<Told*>(user)->events.emplace_back(name, json::parse(data));
  return static_cast<Told*>(user)->call();
}

stratoscope_callbacks telling(Told& told) {
  stratoscope_callbacks callbacks = test::no_callbacks();
  callbacks.user = &told;
  return callbacks;
}

TEST(CProgress, IsToldOfEveryBlock) {
  Told told;
  stratoscope_callbacks callbacks = telling(told);
  callbacks.progress = tell_progress;
  ASSERT_EQ(c_run(c_built_in(), {{"texts", {kPenguins}}}).status, STRATOSCOPE_OK);  // the weights are there
  ASSERT_EQ(c_run(c_built_in(), {{"texts", {kPenguins}}}, &callbacks).status, STRATOSCOPE_OK);
  for (std::size_t block = 0; block < built_in().config().n_layers(); ++block)
    EXPECT_NE(std::find(told.progress.begin(), told.progress.end(), std::pair(std::string("forward pass"), block)),
              told.progress.end())
        << block;
  const cpu_set_t after = own_cores();
  EXPECT_TRUE(CPU_EQUAL(&after, &told.cores));
}

// One thread: with more, the others may load everything before the caller's takes a part.
json of_one_thread() { return {{"model", (test::kSource / "models/novella-7m").string()}, {"threads", 1}}; }

TEST(CProgress, IsToldOfLoadingTheWeights) {
  const CModel model(of_one_thread());
  Told told;
  stratoscope_callbacks callbacks = telling(told);
  callbacks.progress = tell_progress;
  told.calls_left = 1;
  EXPECT_EQ(c_run(model, {{"texts", {"a"}}}, &callbacks).status, STRATOSCOPE_CANCELLED);
  EXPECT_EQ(told.progress.size(), 2U);
  told.calls_left = static_cast<std::size_t>(-1);
  EXPECT_EQ(c_run(model, {{"texts", {"a"}}}, &callbacks).status, STRATOSCOPE_OK) << "the model can be loaded again";
  for (std::size_t part = 0; part <= built_in().config().n_layers(); ++part)
    EXPECT_NE(std::find(told.progress.begin(), told.progress.end(), std::pair(std::string("loading"), part)),
              told.progress.end())
        << part;
}

TEST(CProgress, StopsWithinOneBlockAndLeavesTheModelUsable) {
  const CResult expected = c_run(c_built_in(), {{"texts", {kPenguins}}});
  for (const std::size_t calls : {0, 1, 5}) {
    Told told;
    told.calls_left = calls;
    stratoscope_callbacks callbacks = telling(told);
    callbacks.progress = tell_progress;
    CResult result = c_run(c_built_in(), {{"texts", {kPenguins}}}, &callbacks);
    EXPECT_EQ(result.status, STRATOSCOPE_CANCELLED);
    EXPECT_EQ(result.get(), nullptr);
    EXPECT_EQ(told.progress.size(), calls + 1) << "it is not asked again";
    EXPECT_TRUE(failed_with(STRATOSCOPE_CANCELLED, "stopped before the end"));
  }
  EXPECT_EQ(c_run(c_built_in(), {{"texts", {kPenguins}}}).values<float>("logits", "F32"),
            expected.values<float>("logits", "F32"));
}

TEST(CProgress, StopsEveryExperiment) {
  const json sweep = {{"text", kPenguins},
                      {"edits", {"blocks.{layer}.hook_resid_post[{position}] *= 0.8"}},
                      {"axes", {"layer=all", "position=all"}},
                      {"targets", {" and"}}};
  const json generate = {{"text", kPenguins}, {"max_new", 100}, {"ignore_end", true}};
  const std::pair<const char*, json> cases[] = {{"sweep", sweep},
                                                {"generate", generate},
                                                {"lens", {{"text", kPenguins}}},
                                                {"verify", {{"text", "Penguins"}}},
                                                {"attention", {{"text", kPenguins}}}};
  for (const auto& [name, request] : cases) {
    Told told;
    told.calls_left = 2;
    stratoscope_callbacks callbacks = telling(told);
    callbacks.progress = tell_progress;
    EXPECT_EQ(c_request(c_built_in(), name, request, &callbacks).status, STRATOSCOPE_CANCELLED) << name;
    EXPECT_EQ(told.progress.size(), 3U) << name;
  }
}

TEST(CEvents, OfGenerateAreItsTokensAndText) {
  Told told;
  stratoscope_callbacks callbacks = telling(told);
  callbacks.event = tell_event;
  const json request = {{"text", kPenguins}, {"max_new", 6}};
  const CResult result = c_request(c_built_in(), "generate", request, &callbacks);
  ASSERT_EQ(result.status, STRATOSCOPE_OK) << CModel::problem();
  json tokens = json::array();
  std::string text;
  for (const auto& [name, data] : told.events)
    if (name == "token")
      tokens.push_back(data);
    else
      text += data["text"].get<std::string>();
  const json document = result.document();
  EXPECT_EQ(tokens, document["tokens"]);
  EXPECT_EQ(text, document["text"]);
  EXPECT_EQ(tokens.size(), 6U);

  told.calls_left = 2;
  EXPECT_EQ(c_request(c_built_in(), "generate", request, &callbacks).status, STRATOSCOPE_CANCELLED);
}

// Doubles each value, and notes where.
template <class T>
void double_all(const stratoscope_value& value) {
  const std::size_t middle = value.rank == 3 ? value.shape[1] : 1;
  for (std::size_t i = 0; i < value.shape[0]; ++i)
    for (std::size_t j = 0; j < middle; ++j)
      for (std::size_t k = 0; k < value.shape[value.rank - 1]; ++k) {
        char* at = static_cast<char*>(value.data) + static_cast<std::ptrdiff_t>(i) * value.strides[0] +
                   static_cast<std::ptrdiff_t>(k) * value.strides[value.rank - 1];
        if (value.rank == 3) at += static_cast<std::ptrdiff_t>(j) * value.strides[1];
        *reinterpret_cast<T*>(at) *= 2;
      }
}

int tell_edit(void* user, const stratoscope_value* value) {
  std::string text = std::string(value->hook_point) + " " + std::to_string(value->sequence) + " at " +
                     std::to_string(value->first_position) + " " + value->format;
  for (std::size_t axis = 0; axis < value->rank; ++axis) text += " " + std::to_string(value->shape[axis]);
  static_cast<Told*>(user)->edits.push_back(text);
  if (std::string(value->format) == "F32")
    double_all<float>(*value);
  else
    double_all<double>(*value);
  return static_cast<Told*>(user)->call();
}

TEST(CEdit, HasTheBitsOfTheExpression) {
  for (const char* point : {"blocks.5.hook_mlp_out", "blocks.3.attn.hook_z", "blocks.2.attn.hook_pattern",
                            "blocks.1.attn.hook_attn_scores", "blocks.4.ln1.hook_scale", "unembed.hook_out"}) {
    for (const char* precision : {"fp32", "fp64"}) {
      const CModel model({{"model", (test::kSource / "models/novella-7m").string()}, {"precision", precision}});
      const bool is_double = std::string(precision) == "fp64";
      Told told;
      stratoscope_callbacks callbacks = telling(told);
      callbacks.edit = tell_edit;
      const CResult expected = c_run(model, {{"texts", {"Penguins", "a"}}, {"edits", {std::string(point) + " *= 2"}}});
      const CResult result = c_run(model, {{"texts", {"Penguins", "a"}}, {"edit_points", {point}}}, &callbacks);
      ASSERT_EQ(result.status, STRATOSCOPE_OK) << CModel::problem();
      if (is_double)
        EXPECT_EQ(result.values<double>("logits", "F64"), expected.values<double>("logits", "F64")) << point;
      else
        EXPECT_EQ(result.values<float>("logits", "F32"), expected.values<float>("logits", "F32")) << point;
      EXPECT_EQ(told.edits.size(), 2U) << "one call for each sequence";
    }
  }
}

TEST(CEdit, IsToldPointSequenceAndShape) {
  Told told;
  stratoscope_callbacks callbacks = telling(told);
  callbacks.edit = tell_edit;
  ASSERT_EQ(
      c_run(c_built_in(), {{"texts", {"Penguins", "a"}}, {"edit_points", {"L2H0.z", "blocks.[1,2].attn.hook_pattern"}}},
            &callbacks)
          .status,
      STRATOSCOPE_USAGE)
      << "a part of a point";
  ASSERT_EQ(
      c_run(c_built_in(),
            {{"texts", {"Penguins", "a"}}, {"edit_points", {"blocks.2.attn.hook_z", "blocks.[1,2].attn.hook_pattern"}}},
            &callbacks)
          .status,
      STRATOSCOPE_OK)
      << CModel::problem();
  const std::vector<std::string> expected = {
      "blocks.1.attn.hook_pattern 0 at 0 F32 6 3 3", "blocks.1.attn.hook_pattern 1 at 0 F32 6 1 1",
      "blocks.2.attn.hook_pattern 0 at 0 F32 6 3 3", "blocks.2.attn.hook_pattern 1 at 0 F32 6 1 1",
      "blocks.2.attn.hook_z 0 at 0 F32 3 6 32",      "blocks.2.attn.hook_z 1 at 0 F32 1 6 32"};
  EXPECT_EQ(told.edits, expected);
  told.edits.clear();
  ASSERT_EQ(c_run(c_built_in(), {{"texts", {"Penguins"}}, {"edit_points", {"unembed.hook_out"}}, {"logits", "last"}},
                  &callbacks)
                .status,
            STRATOSCOPE_OK);
  EXPECT_EQ(told.edits, (std::vector<std::string>{"unembed.hook_out 0 at 2 F32 1 8192"}));
}

TEST(CEdit, ComesAfterTheExpressionsOfItsPoint) {
  stratoscope_callbacks callbacks = test::no_callbacks();
  float first = 0;
  callbacks.user = &first;
  callbacks.edit = [](void* user, const stratoscope_value* value) {
    *static_cast<float*>(user) = *static_cast<float*>(value->data);
    return 0;
  };
  ASSERT_EQ(
      c_run(c_built_in(),
            {{"texts", {"a"}}, {"edits", {"blocks.5.hook_mlp_out = 3"}}, {"edit_points", {"blocks.5.hook_mlp_out"}}},
            &callbacks)
          .status,
      STRATOSCOPE_OK);
  EXPECT_EQ(first, 3);
}

TEST(CEdit, CanStopTheRun) {
  Told told;
  told.calls_left = 0;
  stratoscope_callbacks callbacks = telling(told);
  callbacks.edit = tell_edit;
  EXPECT_EQ(c_run(c_built_in(), {{"texts", {"a"}}, {"edit_points", {"blocks.*.hook_mlp_out"}}}, &callbacks).status,
            STRATOSCOPE_CANCELLED);
  EXPECT_EQ(told.edits.size(), 1U);
}

TEST(CCallbacks, MayRunTheSameModel) {
  stratoscope_callbacks callbacks = test::no_callbacks();
  CResult inner;
  callbacks.user = &inner;
  callbacks.edit = [](void* user, const stratoscope_value*) {
    CResult run = c_run(c_built_in(), {{"texts", {kPenguins}}});
    std::swap(*static_cast<CResult*>(user)->to(), *run.to());
    return run.status;
  };
  const CResult outer =
      c_run(c_built_in(), {{"texts", {kPenguins}}, {"edit_points", {"blocks.5.hook_mlp_out"}}}, &callbacks);
  ASSERT_EQ(outer.status, STRATOSCOPE_OK) << CModel::problem();
  EXPECT_EQ(outer.values<float>("logits", "F32"), inner.values<float>("logits", "F32"));
}

// The call that loads the weights waits for its callback.
TEST(CCallbacks, CannotRunAModelThatTheyLoad) {
  const CModel model(of_one_thread());
  stratoscope_callbacks callbacks = test::no_callbacks();
  callbacks.user = const_cast<CModel*>(&model);
  callbacks.progress = [](void* user, const char* task, std::size_t, std::size_t) {
    if (std::string(task) != "loading") return 0;
    EXPECT_EQ(c_run(*static_cast<const CModel*>(user), {{"texts", {"a"}}}).status, STRATOSCOPE_MODEL);
    EXPECT_TRUE(failed_with(STRATOSCOPE_MODEL, "is being loaded"));
    return 1;
  };
  EXPECT_EQ(c_run(model, {{"texts", {"a"}}}, &callbacks).status, STRATOSCOPE_CANCELLED);
}

TEST(CCallbacks, MayBeOfAnOlderOrNewerHeader) {
  Told told;
  stratoscope_callbacks callbacks = telling(told);
  callbacks.progress = tell_progress;
  callbacks.edit = tell_edit;
  callbacks.size = offsetof(stratoscope_callbacks, event);  // the header before events and edits
  const json with_edit = {{"texts", {"a"}}, {"edit_points", {"hook_embed"}}};
  EXPECT_EQ(c_run(c_built_in(), with_edit, &callbacks).status, STRATOSCOPE_USAGE) << "it has no edit";
  EXPECT_EQ(c_run(c_built_in(), {{"texts", {"a"}}}, &callbacks).status, STRATOSCOPE_OK);
  EXPECT_FALSE(told.progress.empty());
  struct Newer {
    stratoscope_callbacks known;
    void* more;
  } newer{callbacks, nullptr};
  newer.known.size = sizeof newer;
  EXPECT_EQ(c_run(c_built_in(), with_edit, &newer.known).status, STRATOSCOPE_OK) << CModel::problem();
  callbacks.size = 0;
  EXPECT_EQ(c_run(c_built_in(), {{"texts", {"a"}}}, &callbacks).status, STRATOSCOPE_USAGE);
  EXPECT_TRUE(failed_with(STRATOSCOPE_USAGE, "sizeof(stratoscope_callbacks)"));
}

}  // namespace
}  // namespace stratoscope
