// One model from many threads at once, and after a fork.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/c/handles.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using test::c_built_in;
using test::c_request;
using test::c_run;
using test::CModel;
using test::CResult;
using test::json;
using test::kPenguins;

TEST(CThreads, OneModelServesManyAtOnce) {
  const CModel model;  // its weights are not loaded yet
  const json texts[] = {"Penguins", kPenguins, "a", "As Gregor Samsa awoke"};
  std::vector<std::vector<float>> expected;
  for (const json& text : texts)
    expected.push_back(c_run(c_built_in(), {{"texts", {text}}}).values<float>("logits", "F32"));
  std::atomic<int> cancelled{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 3; ++i) {
        const std::size_t which = (t + i) % std::size(texts);
        const CResult result = c_run(model, {{"texts", {texts[which]}}});
        ASSERT_EQ(result.status, STRATOSCOPE_OK) << CModel::problem();
        EXPECT_EQ(result.values<float>("logits", "F32"), expected[which]);
        EXPECT_EQ(c_request(model, "nothing", {}).status, STRATOSCOPE_UNKNOWN);
        stratoscope_array array{};
        EXPECT_EQ(stratoscope_tensor(model.get(), "wte.weight", &array, nullptr), STRATOSCOPE_OK);
        // One thread's cancelling is not another's.
        stratoscope_callbacks callbacks = test::no_callbacks();
        callbacks.progress = [](void*, const char*, std::size_t, std::size_t) { return 1; };
        if (t % 2 == 0)
          cancelled += c_run(model, {{"texts", {"a"}}}, &callbacks).status == STRATOSCOPE_CANCELLED ? 1 : 0;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cancelled, 12);
}

TEST(CThreads, OneResultServesManyAtOnce) {
  const CResult result = c_request(c_built_in(), "activations", {{"text", kPenguins}});
  ASSERT_EQ(result.status, STRATOSCOPE_OK);
  std::vector<std::thread> threads;
  std::vector<const char*> drawn(8);
  threads.reserve(drawn.size());
  for (const char*& bytes : drawn)
    threads.emplace_back([&bytes, &result] {
      std::size_t size = 0;
      EXPECT_EQ(stratoscope_result_figure(result.get(), "vl.json", "light", &bytes, &size), STRATOSCOPE_OK);
    });
  for (std::thread& thread : threads) thread.join();
  for (const char* bytes : drawn) EXPECT_EQ(bytes, drawn[0]);
}

// The exit status of a child that does this.
template <class Work>
int status_of_child(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // a hang is a failure
    ::_exit(work() ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST(CFork, AChildMayUseWhatItsParentOpened) {
  if (test::kWatched) GTEST_SKIP() << "sanitizers start no threads after a fork";
  const auto expected = c_run(c_built_in(), {{"texts", {kPenguins}}}).values<float>("logits", "F32");
  EXPECT_EQ(status_of_child([&] {
              const CResult again = c_run(c_built_in(), {{"texts", {kPenguins}}});
              if (again.status != STRATOSCOPE_OK || again.values<float>("logits", "F32") != expected) return false;
              const CModel own;
              return c_run(own, {{"texts", {kPenguins}}}).values<float>("logits", "F32") == expected;
            }),
            0);
}

TEST(CFork, AChildOfOneThreadRefusesWhileAnotherIsInACall) {
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool reached = false, open = false;
  } gate;
  stratoscope_callbacks callbacks = test::no_callbacks();
  callbacks.user = &gate;
  callbacks.edit = [](void* user, const stratoscope_value*) {
    auto& of = *static_cast<Gate*>(user);
    std::unique_lock lock(of.mutex);
    of.reached = true;
    of.changed.notify_all();
    of.changed.wait(lock, [&of] { return of.open; });
    return 0;
  };
  std::thread other([&callbacks] {
    EXPECT_EQ(c_run(c_built_in(), {{"texts", {"a"}}, {"edit_points", {"hook_embed"}}}, &callbacks).status,
              STRATOSCOPE_OK);
  });
  {
    std::unique_lock lock(gate.mutex);
    gate.changed.wait(lock, [&gate] { return gate.reached; });
  }
  EXPECT_EQ(status_of_child([] {
              stratoscope_result* result = nullptr;
              if (stratoscope_run(c_built_in().get(), R"({"texts": ["a"]})", nullptr, &result) != STRATOSCOPE_ERROR)
                return false;
              stratoscope_model* model = nullptr;
              return stratoscope_open(nullptr, nullptr, &model) == STRATOSCOPE_ERROR &&
                     std::string(stratoscope_last_error()->where) == "fork";
            }),
            0);
  {
    const std::lock_guard lock(gate.mutex);
    gate.open = true;
  }
  gate.changed.notify_all();
  other.join();
  EXPECT_EQ(c_run(c_built_in(), {{"texts", {"a"}}}).status, STRATOSCOPE_OK) << "the parent goes on";
}

}  // namespace
}  // namespace stratoscope
