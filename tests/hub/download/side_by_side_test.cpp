// Several jobs at once: all are done, one failure ends them, the wish to stop ends every wait.
#include "stratoscope/hub/download/side_by_side.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using std::chrono::milliseconds;
using test::refuses;

const auto kNoTick = [] {};

TEST(SideBySide, EachJobIsDoneOnce) {
  for (const std::size_t threads : {1U, 3U, 50U}) {
    std::vector<std::atomic<int>> done(20);
    std::atomic<std::size_t> largest = 0;
    Stop stop;
    run_side_by_side(
        done.size(), threads, stop,
        [&](std::size_t i, std::size_t thread) {
          ++done[i];
          largest = std::max(largest.load(), thread);
        },
        kNoTick);
    for (const auto& count : done) EXPECT_EQ(count, 1);
    EXPECT_LT(largest, threads);
  }
  Stop stop;
  run_side_by_side(
      0, 3, stop, [](std::size_t, std::size_t) { FAIL(); }, kNoTick);
}

TEST(SideBySide, TheFirstFailureEndsTheOthers) {
  Stop stop;
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
  EXPECT_TRUE(refuses([&] { run_side_by_side(100, 3, stop, job, kNoTick); }, "one is broken"));
  EXPECT_LE(ended, 2) << "what has not begun does not begin";
}

TEST(SideBySide, WhoWatchesMayEndIt) {
  Stop stop;
  int ticks = 0;
  const auto tick = [&] {
    if (++ticks == 2) throw Interrupted("watched enough");
  };
  const auto job = [&](std::size_t, std::size_t) { stop.wait(std::chrono::minutes(5)); };
  EXPECT_TRUE(refuses([&] { run_side_by_side(2, 2, stop, job, tick); }, "watched enough"));
  EXPECT_EQ(ticks, 2);
}

TEST(SideBySide, ASystemThatGivesNoThreadsIsAnError) {
  constexpr std::size_t kMoreThanThereIs = std::size_t{1} << 46;
  pthread_attr_t usual, greedy;
  ASSERT_EQ(::pthread_getattr_default_np(&usual), 0);
  greedy = usual;
  ASSERT_EQ(::pthread_attr_setstacksize(&greedy, kMoreThanThereIs), 0);
  ASSERT_EQ(::pthread_setattr_default_np(&greedy), 0);
  Stop stop;
  const auto job = [](std::size_t, std::size_t) {};
  EXPECT_TRUE(refuses([&] { run_side_by_side(2, 2, stop, job, kNoTick); }, "no thread can be started"));
  EXPECT_EQ(::pthread_setattr_default_np(&usual), 0);
}

TEST(SideBySide, TheBoardShowsEveryPart) {
  Board board;
  EXPECT_EQ(board.add("a", 10), 0U);
  EXPECT_EQ(board.add("b", 20), 1U);
  board.set_done(1, 5);
  board.set_note(0, "waiting");
  const auto parts = board.parts();
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].note, "waiting");
  EXPECT_EQ(parts[1].done, 5U);
  EXPECT_EQ(parts[1].total, 20U);
}

}  // namespace
}  // namespace stratoscope
