// Teams with a core for each thread, as the system tells it.
#include "stratoscope/base/cores.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "stratoscope/base/threads.h"

namespace stratoscope {
namespace {

std::set<int> own_cores() {
  cpu_set_t mask;
  EXPECT_EQ(::sched_getaffinity(0, sizeof mask, &mask), 0);
  std::set<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &mask)) cores.insert(core);
  return cores;
}

void allow(const std::set<int>& cores) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (const int core : cores) CPU_SET(core, &mask);
  ASSERT_EQ(::sched_setaffinity(0, sizeof mask, &mask), 0);
}

// Where each thread of the calling thread's team may run.
std::vector<std::set<int>> cores_of_team() {
  std::vector<std::set<int>> cores(static_cast<std::size_t>(omp_get_max_threads()));
#pragma omp parallel
  cores[static_cast<std::size_t>(omp_get_thread_num())] = own_cores();
  return cores;
}

void expect_a_core_each(const std::set<int>& allowed) {
  std::set<int> taken;
  for (const std::set<int>& cores : cores_of_team()) {
    EXPECT_EQ(cores.size(), 1U);
    taken.insert(cores.begin(), cores.end());
  }
  EXPECT_EQ(taken, allowed);
}

void expect_all_free(const std::set<int>& allowed) {
  for (const std::set<int>& cores : cores_of_team()) EXPECT_EQ(cores, allowed);
}

// In a thread of its own, as one team is of another's history.
class Cores : public ::testing::Test {
 protected:
  void SetUp() override {
    if (own_cores().size() < 2) GTEST_SKIP() << "this machine has one core";
    if (omp_get_proc_bind() != omp_proc_bind_false) GTEST_SKIP() << "the user binds threads (OMP_PROC_BIND)";
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
        expect_all_free(allowed);
      }
      const ThreadScope threads(count);
      expect_a_core_each(allowed);
      {
        const ThreadScope inner(other);
        expect_all_free(allowed);
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
      EXPECT_EQ(own_cores(), one);
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
      EXPECT_EQ(omp_get_max_threads(), count);
      EXPECT_EQ(available_threads(), count);
      const ThreadScope inner(0);
      EXPECT_EQ(omp_get_max_threads(), count);
      expect_a_core_each(allowed);
#pragma omp parallel
      EXPECT_EQ(available_threads(), count);
    }
    EXPECT_EQ(available_threads(), count);
  });
}

TEST_F(Cores, OtherWorkOfTheThreadDoesNotConfuseIt) {
  in_a_thread([](const std::set<int>& allowed) {
    const auto count = static_cast<int>(allowed.size());
    for (const int others : {2, 2 * count, count + 1}) {
      {
        const ThreadScope threads(count);
        expect_a_core_each(allowed);
      }
      std::vector<int> seen(static_cast<std::size_t>(others));
#pragma omp parallel num_threads(others)
      seen[static_cast<std::size_t>(omp_get_thread_num())] = 1;
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), others);
    }
    const ThreadScope threads(count);
    expect_a_core_each(allowed);
  });
}

TEST_F(Cores, ManyAtOnceStayFree) {
  in_a_thread([](const std::set<int>& allowed) {
    const auto count = static_cast<int>(allowed.size());
    std::vector<std::set<int>> cores(allowed.size());
#pragma omp parallel num_threads(count)
    {
      const ThreadScope threads(count);
      cores[static_cast<std::size_t>(omp_get_thread_num())] = own_cores();
    }
    for (const std::set<int>& of_one : cores) EXPECT_EQ(of_one, allowed);
  });
}

TEST_F(Cores, GivingTellsWhatWasBefore) {
  in_a_thread([](const std::set<int>& allowed) {
    const auto count = static_cast<int>(allowed.size());
    omp_set_num_threads(count);
    EXPECT_EQ(give_cores(count), 0);
    EXPECT_EQ(give_cores(count), count);
    EXPECT_EQ(give_cores(0), count);
    EXPECT_EQ(give_cores(0), 0);
    EXPECT_EQ(own_cores(), allowed);
  });
}

}  // namespace
}  // namespace stratoscope
