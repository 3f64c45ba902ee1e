// Teams with a core for each thread, as the system tells it.
#include "stratoscope/base/cores.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "stratoscope/base/threads.h"

namespace stratoscope {
namespace {

std::set<int> own_cores() {
  const auto mask = allowed_cores();
  EXPECT_TRUE(mask);
  std::set<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &*mask)) cores.insert(core);
  return cores;
}

void allow(const std::set<int>& cores) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (const int core : cores) CPU_SET(core, &mask);
  move_to(mask, ::pthread_self());
  ASSERT_EQ(own_cores(), cores);
}

// Where each thread of the calling thread's team may run; one of `count` that come to a loop of as many waits for all.
std::vector<std::set<int>> cores_of_team(int count) {
  std::vector<std::set<int>> cores(static_cast<std::size_t>(count));
  std::atomic<int> here{0};
  parallel_for(cores.size(), [&](std::size_t i) {
    cores[i] = own_cores();
    for (++here; here < count;) std::this_thread::yield();
  });
  return cores;
}

void expect_a_core_each(const std::set<int>& allowed) {
  std::set<int> taken;
  for (const std::set<int>& cores : cores_of_team(static_cast<int>(allowed.size()))) {
    EXPECT_EQ(cores.size(), 1U);
    taken.insert(cores.begin(), cores.end());
  }
  EXPECT_EQ(taken, allowed);
}

void expect_all_free(int count, const std::set<int>& allowed) {
  for (const std::set<int>& cores : cores_of_team(count)) EXPECT_EQ(cores, allowed);
}

// In a new thread, so that no earlier team has an effect.
class Cores : public ::testing::Test {
 protected:
  void SetUp() override {
    if (own_cores().size() < 2) GTEST_SKIP() << "this machine has one core";
  }

  template <class Body>
  static void in_a_thread(const Body& body) {
    std::thread([&] { body(own_cores()); }).join();
  }
};

TEST_F(Cores, EachThreadHasOneWhileThereIsWork) {
  in_a_thread([](const std::set<int>& allowed) {
    const auto count = static_cast<int>(allowed.size());
    for (int time = 0; time < 3; ++time) {
      {
        const ThreadScope threads(count);
        expect_a_core_each(allowed);
      }
      EXPECT_EQ(own_cores(), allowed);
    }
  });
}

TEST_F(Cores, TeamsOfAnotherSizeAreFree) {
  in_a_thread([](const std::set<int>& allowed) {
    const auto count = static_cast<int>(allowed.size());
    for (const int other : {count + 1, 2 * count, 1}) {
      {
        const ThreadScope threads(other);
        expect_all_free(other, allowed);
      }
      const ThreadScope threads(count);
      expect_a_core_each(allowed);
      {
        const ThreadScope inner(other);
        expect_all_free(other, allowed);
      }
      expect_a_core_each(allowed);
    }
    EXPECT_EQ(own_cores(), allowed);
  });
}

TEST_F(Cores, ThoseThatTheProcessMayNotUseStayUntouched) {
  in_a_thread([](const std::set<int>& allowed) {
    const std::set<int> one = {*allowed.rbegin()};
    {
      const ThreadScope threads(static_cast<int>(allowed.size()));
      expect_a_core_each(allowed);
    }
    allow(one);
    for (const int count : {1, 2}) {
      const ThreadScope threads(count);
      expect_all_free(count, one);
    }
    allow(allowed);
    const ThreadScope threads(static_cast<int>(allowed.size()));
    expect_a_core_each(allowed);
  });
}

TEST_F(Cores, WhoHasOneKnowsOfAll) {
  in_a_thread([](const std::set<int>& allowed) {
    const auto count = static_cast<int>(allowed.size());
    for (const int outer : {count, 0}) {
      const ThreadScope threads(outer);
      EXPECT_EQ(threads_in_scope(), count);
      EXPECT_EQ(available_threads(), count);
      const ThreadScope inner(0);
      EXPECT_EQ(threads_in_scope(), count);
      expect_a_core_each(allowed);
      parallel_for(allowed.size(), [&](std::size_t) { EXPECT_EQ(available_threads(), count); });
    }
    EXPECT_EQ(available_threads(), count);
  });
}

TEST_F(Cores, WithinALoopNothingMoves) {
  in_a_thread([](const std::set<int>& allowed) {
    const auto count = static_cast<int>(allowed.size());
    const ThreadScope threads(count);
    parallel_for(allowed.size(), [&](std::size_t) {
      const std::set<int> before = own_cores();
      const ThreadScope inner(count);
      EXPECT_EQ(own_cores(), before);
    });
    expect_a_core_each(allowed);
  });
}

TEST_F(Cores, OneByOneTheyAreAllOfThemAndTheOwnIsFirst) {
  in_a_thread([](const std::set<int>& allowed) {
    for (const int own : allowed) {
      const auto all = allowed_cores();
      allow({own});
      const std::vector<cpu_set_t> each = each_of(*all);
      ASSERT_EQ(static_cast<int>(each.size()), count_of(all));
      EXPECT_TRUE(CPU_ISSET(own, &each[0]));
      for (const cpu_set_t& one : each) EXPECT_EQ(CPU_COUNT(&one), 1);
      allow(allowed);
    }
  });
}

}  // namespace
}  // namespace stratoscope
