#include "stratoscope/base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

class ParallelFor : public ::testing::TestWithParam<int> {};

TEST_P(ParallelFor, CallsEachIndexOnce) {
  const ThreadScope threads(GetParam());
  for (const std::size_t count : {0, 1, 2, 1000}) {
    std::vector<std::atomic<int>> calls(count);
    parallel_for(count, [&](std::size_t i) { ++calls.at(i); });
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(calls[i], 1) << i << " of " << count;
  }
}

TEST_P(ParallelFor, RethrowsWhatABodyThrows) {
  const ThreadScope threads(GetParam());
  const auto body = [](std::size_t i) {
    if (i == 17) throw Error("test", "seventeen");
  };
  EXPECT_THROW(parallel_for(100, body), Error);
  EXPECT_THROW(parallel_for(1, [](std::size_t) { throw std::out_of_range("alone"); }), std::out_of_range);
  int calls = 0;
  parallel_for(1, [&](std::size_t) { ++calls; });  // the next loop is not disturbed
  EXPECT_EQ(calls, 1);
}

TEST_P(ParallelFor, ABodyThatThrowsEachTimeIsReportedOnce) {
  const ThreadScope threads(GetParam());
  EXPECT_THROW(parallel_for(100, [](std::size_t) { throw Error("test", "always"); }), Error);
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelFor, ::testing::Values(0, 1, 2, 3, 7), ::testing::PrintToStringParamName());

TEST(ThreadScope, BoundsTheThreadsAndGivesThemBack) {
  const auto most_at_once = [] {
    std::atomic<int> now{0}, most{0};
    parallel_for(200, [&](std::size_t) {
      const int alive = ++now;
      int seen = most;
      while (alive > seen && !most.compare_exchange_weak(seen, alive)) {
      }
      --now;
    });
    return most.load();
  };
  const ThreadScope outer(2);
  {
    const ThreadScope inner(1);
    EXPECT_EQ(most_at_once(), 1);
  }
  EXPECT_LE(most_at_once(), 2);
  EXPECT_GE(available_threads(), 1);
}

}  // namespace
}  // namespace stratoscope
