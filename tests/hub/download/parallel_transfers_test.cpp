// Parallel jobs: each runs once, one failure ends all, a request to stop ends every wait.
#include "stratoscope/hub/download/parallel_transfers.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using std::chrono::milliseconds;
using test::refuses;

const auto kNoTick = [] {};

TEST(RunParallel, RunsEachJobOnce) {
  for (const std::size_t threads : {1U, 3U, 50U}) {
    std::vector<std::atomic<int>> done(20);
    std::atomic<std::size_t> largest = 0;
    StopRequest stop;
    run_parallel(
        done.size(), threads, stop,
        [&](std::size_t i, std::size_t thread) {
          ++done[i];
          largest = std::max(largest.load(), thread);
        },
        kNoTick);
    for (const auto& count : done) EXPECT_EQ(count, 1);
    EXPECT_LT(largest, threads);
  }
  StopRequest stop;
  run_parallel(
      0, 3, stop, [](std::size_t, std::size_t) { FAIL(); }, kNoTick);
}

TEST(RunParallel, TheFirstFailureEndsTheOthers) {
  StopRequest stop;
  std::atomic<int> ended = 0;
  const auto job = [&](std::size_t i, std::size_t) {
    if (i == 1) throw Error("job", "one is broken");
    try {
      stop.wait(std::chrono::minutes(5));
    } catch (const Interrupted&) {
      ++ended;
      throw;
    }
  };
  EXPECT_TRUE(refuses([&] { run_parallel(100, 3, stop, job, kNoTick); }, "one is broken"));
  EXPECT_LE(ended, 2) << "no further job begins";
}

TEST(RunParallel, TheTickMayStopIt) {
  StopRequest stop;
  int ticks = 0;
  const auto tick = [&] {
    if (++ticks == 2) throw Interrupted("watched enough");
  };
  const auto job = [&](std::size_t, std::size_t) { stop.wait(std::chrono::minutes(5)); };
  EXPECT_TRUE(refuses([&] { run_parallel(2, 2, stop, job, tick); }, "watched enough"));
  EXPECT_EQ(ticks, 2);
}

TEST(RunParallel, NoThreadsIsAnError) {
  constexpr std::size_t kMoreThanThereIs = std::size_t{1} << 46;
  pthread_attr_t usual, greedy;
  ASSERT_EQ(::pthread_getattr_default_np(&usual), 0);
  greedy = usual;
  ASSERT_EQ(::pthread_attr_setstacksize(&greedy, kMoreThanThereIs), 0);
  ASSERT_EQ(::pthread_setattr_default_np(&greedy), 0);
  StopRequest stop;
  const auto job = [](std::size_t, std::size_t) {};
  EXPECT_TRUE(refuses([&] { run_parallel(2, 2, stop, job, kNoTick); }, "no thread can be started"));
  EXPECT_EQ(::pthread_setattr_default_np(&usual), 0);
}

TEST(RunParallel, ProgressHasEveryPart) {
  TransferProgress progress;
  EXPECT_EQ(progress.add("a", 10), 0U);
  EXPECT_EQ(progress.add("b", 20), 1U);
  progress.set_done(1, 5);
  progress.set_note(0, "waiting");
  const auto parts = progress.parts();
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].note, "waiting");
  EXPECT_EQ(parts[1].done, 5U);
  EXPECT_EQ(parts[1].total, 20U);
}

}  // namespace
}  // namespace stratoscope
