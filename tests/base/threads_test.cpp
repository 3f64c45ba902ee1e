#include "stratoscope/base/threads.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "stratoscope/base/error.h"
#include "tests/support/watched.h"

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

TEST_P(ParallelFor, WithinALoopIsDoneByTheThreadThatAsks) {
  const ThreadScope threads(GetParam());
  const int of_scope = threads_in_scope();
  if (of_scope == 1) GTEST_SKIP() << "one thread is no team";
  std::vector<std::atomic<int>> calls(64);
  parallel_for(8, [&](std::size_t outer) {
    const ThreadScope more(5);
    EXPECT_EQ(threads_in_scope(), of_scope);
    const auto self = std::this_thread::get_id();
    parallel_for(8, [&](std::size_t inner) {
      EXPECT_EQ(std::this_thread::get_id(), self);
      ++calls.at(8 * outer + inner);
    });
  });
  for (const auto& count : calls) EXPECT_EQ(count, 1);
}

TEST_P(ParallelFor, ManyLoopsOneAfterAnotherLoseNothing) {
  const ThreadScope threads(GetParam());
  std::vector<std::size_t> sums(5);
  constexpr std::size_t kLoops = 3000;
  for (std::size_t loop = 0; loop < kLoops; ++loop)
    parallel_for(sums.size(), [&](std::size_t i) { sums[i] += i + loop; });
  for (std::size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(sums[i], kLoops * i + kLoops * (kLoops - 1) / 2);
}

TEST_P(ParallelFor, OfManyThreadsAtOnce) {
  std::vector<std::atomic<int>> calls(4);
  std::vector<std::thread> owners;
  for (auto& count : calls)
    owners.emplace_back([&] {
      const ThreadScope threads(GetParam());
      for (int loop = 0; loop < 50; ++loop) parallel_for(100, [&](std::size_t) { ++count; });
    });
  for (std::thread& owner : owners) owner.join();
  for (const auto& count : calls) EXPECT_EQ(count, 5000);
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelFor, ::testing::Values(0, 1, 2, 3, 7), ::testing::PrintToStringParamName());

TEST(ThreadScope, BoundsTheThreadsAndGivesThemBack) {
  const auto threads_of_a_loop = [] {
    std::set<std::thread::id> seen;
    std::mutex gate;
    for (int loop = 0; loop < 50; ++loop)
      parallel_for(100, [&](std::size_t) {
        const std::lock_guard lock(gate);
        seen.insert(std::this_thread::get_id());
      });
    return seen.size();
  };
  const ThreadScope outer(5);
  for (const int count : {1, 2, 4}) {
    const ThreadScope inner(count);
    EXPECT_EQ(threads_in_scope(), count);
    EXPECT_LE(threads_of_a_loop(), static_cast<std::size_t>(count));
  }
  EXPECT_EQ(threads_in_scope(), 5);
  EXPECT_LE(threads_of_a_loop(), 5U);
  EXPECT_GE(available_threads(), 1);
}

// They meet in the loop: each waits for all.
TEST(ThreadScope, GivesAsManyThreadsAsItSays) {
  for (const int count : {2, 3, 7}) {
    const ThreadScope threads(count);
    std::atomic<int> here{0};
    parallel_for(static_cast<std::size_t>(count), [&](std::size_t) {
      for (++here; here < count;) std::this_thread::yield();
    });
    EXPECT_EQ(here, count);
  }
}

cpu_set_t cores_of_this_thread() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  EXPECT_EQ(::sched_getaffinity(0, sizeof cores, &cores), 0);
  return cores;
}

TEST(UnboundScope, GivesTheThreadItsCoresBackForAWhile) {
  const cpu_set_t all = cores_of_this_thread();
  if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "one core";
  {
    const ThreadScope threads(CPU_COUNT(&all));
    const cpu_set_t bound = cores_of_this_thread();
    EXPECT_EQ(CPU_COUNT(&bound), 1);
    {
      const UnboundScope unbound;
      const cpu_set_t own = cores_of_this_thread();
      EXPECT_TRUE(CPU_EQUAL(&own, &all));
    }
    const cpu_set_t again = cores_of_this_thread();
    EXPECT_TRUE(CPU_EQUAL(&again, &bound));
  }
  const cpu_set_t after = cores_of_this_thread();
  EXPECT_TRUE(CPU_EQUAL(&after, &all));
  const UnboundScope nothing;
  const cpu_set_t own = cores_of_this_thread();
  EXPECT_TRUE(CPU_EQUAL(&own, &all));
}

TEST(ThreadScope, AChildOfTheProcessHasThreadsOfItsOwn) {
  if (test::kWatched) GTEST_SKIP() << "sanitizers start no threads after a fork";
  const ThreadScope threads(3);
  std::atomic<int> calls{0};
  parallel_for(100, [&](std::size_t) { ++calls; });
  const pid_t child = ::fork();
  if (child == 0) {
    const ThreadScope own(3);
    parallel_for(100, [&](std::size_t) { ++calls; });
    ::_exit(calls == 200 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace stratoscope
