// The same bits in a program that uses OpenMP as it likes, and with libraries that change its settings.
#include <gtest/gtest.h>
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using test::everything_of;

using EngineRun = Run<float>;  // inside a test `Run` is GoogleTest's

// On the path of every kernel: whole vectors and partial ones, few rows and many.
class OpenMpHost : public ::testing::TestWithParam<int> {
 protected:
  static constexpr test::Sizes kSizes{2, 3, 96, 200, 192, 300};

  OpenMpHost() : folder_(kSizes, 21) {
    test::Random random(22);
    ids_ = test::random_ids(random, 150, 300);
    expected_ = run_with(1);
  }

  EngineRun run_with(int threads) const {
    const Model model = Model::load(folder_.path(), {Precision::fp32, threads, nullptr});
    return model.run(everything_of(model.config(), {ids_}));
  }

  void expect_the_same_bits() const { test::expect_same_bits(run_with(GetParam()), expected_); }

  // Settings belong to a thread.
  void expect_the_same_bits_after(const std::function<void()>& settings) const {
    std::thread([&] {
      settings();
      expect_the_same_bits();
    }).join();
  }

  test::TestModelFolder folder_;
  TokenIds ids_;
  EngineRun expected_;
};

TEST_P(OpenMpHost, ChangesTheNumberOfThreads) {
  for (const int count : {1, 3, 64}) expect_the_same_bits_after([&] { omp_set_num_threads(count); });
  expect_the_same_bits_after([] { omp_set_dynamic(1); });
  expect_the_same_bits_after([] {
    omp_set_dynamic(1);
    omp_set_num_threads(64);
  });
}

TEST_P(OpenMpHost, ChangesThemBetweenLoadingAndRunning) {
  const Model model = Model::load(folder_.path(), {Precision::fp32, GetParam(), nullptr});
  for (const int count : {1, 5})
    std::thread([&] {
      omp_set_dynamic(1);
      omp_set_num_threads(count);
      test::expect_same_bits(model.run(everything_of(model.config(), {ids_})), expected_);
    }).join();
}

TEST_P(OpenMpHost, ChangesHowRegionsNest) {
  for (const int levels : {0, 1, 4}) {
    const int before = omp_get_max_active_levels();
    expect_the_same_bits_after([&] { omp_set_max_active_levels(levels); });
    omp_set_max_active_levels(before);
  }
}

TEST_P(OpenMpHost, CallsFromAParallelRegion) {
  if (test::kWatched) GTEST_SKIP() << "sanitizers watch our threads, not those of OpenMP";
  for (const bool nested : {false, true}) {
    const int before = omp_get_max_active_levels();
    omp_set_max_active_levels(nested ? 3 : 1);
#pragma omp parallel num_threads(3)
    {
      expect_the_same_bits();
#pragma omp parallel num_threads(2)
      expect_the_same_bits();
    }
#pragma omp parallel for num_threads(4) schedule(dynamic)
    for (int i = 0; i < 4; ++i) expect_the_same_bits();
    omp_set_max_active_levels(before);
  }
}

TEST_P(OpenMpHost, FindsItsSettingsAsTheyWere) {
  std::thread([&] {
    omp_set_num_threads(11);
    expect_the_same_bits();
    EXPECT_EQ(omp_get_max_threads(), 11);
    int team = 0;
#pragma omp parallel num_threads(3)
#pragma omp single
    team = omp_get_num_threads();
    EXPECT_EQ(team, 3);
  }).join();
}

TEST_P(OpenMpHost, Forks) {
  if (test::kWatched) GTEST_SKIP() << "sanitizers start no threads after a fork";
  expect_the_same_bits();
  const pid_t child = ::fork();
  if (child == 0) {
    expect_the_same_bits();
    ::_exit(HasFailure() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, OpenMpHost, ::testing::Values(1, 2, 16), ::testing::PrintToStringParamName());

}  // namespace
}  // namespace stratoscope
