#include "stratoscope/probe/sweep_slices.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"

namespace stratoscope {
namespace {

// Two prompts of 7 and 5 tokens, 20 grid points each.
class Slices : public ::testing::Test {
 protected:
  Slices() {
    test::Random random(1);
    for (const std::size_t positions : {7U, 5U}) {
      SweepRequest& request = requests_.emplace_back();
      request.text = test::random_ids(random, positions, model_.config().d_vocab);
      request.targets = {1};
      request.edits = {"blocks.{layer}.hook_resid_pre[{position}] = mean"};
      request.axes = {resolve_axis("layer=all", model_.config(), positions),
                      resolve_axis("position=0:5", model_.config(), positions)};
    }
  }

  struct Cut {
    std::vector<Slice> slices;
    std::vector<GridPoint> known;
    std::size_t most_bytes = 0;

    std::vector<GridPoint> points() const {
      std::vector<GridPoint> all;
      for (const Slice& slice : slices) all.insert(all.end(), slice.points.begin(), slice.points.end());
      return all;
    }
  };

  Cut cut(const SweepOptions& options, SliceUse use = SliceUse::run) const {
    const SweepJob job(model_, requests_, options);
    SweepSlices slices(job, use);
    Cut cut;
    slices.for_each(
        [&](const Slice& slice) {
          cut.most_bytes = std::max(cut.most_bytes, slices.bytes(slice));
          cut.slices.push_back(slice);
        },
        [&](GridPoint point, const GridValue&) { cut.known.push_back(point); });
    return cut;
  }

  std::vector<GridPoint> every_point() const {
    std::vector<GridPoint> points;
    for (std::size_t p = 0; p < 2; ++p)
      for (std::size_t point = 0; point < 20; ++point) points.push_back({p, point});
    return points;
  }

  test::TestModelFolder folder_{{4, 3, 24, 40, 48, 67}, 5};
  Model model_ = Model::load(folder_.path());
  std::vector<SweepRequest> requests_;
};

TEST_F(Slices, SmallPromptsGoTogether) {
  const Cut all = cut({});
  ASSERT_EQ(all.slices.size(), 1U);
  const Slice& slice = all.slices[0];
  EXPECT_EQ(slice.prompts, (std::vector<std::size_t>{0, 1}));
  EXPECT_TRUE(slice.points == every_point());
  EXPECT_FALSE(slice.keeps_clean);
  ASSERT_EQ(slice.request.runs.size(), 40U);
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(slice.request.runs[i].text, i / 20);
    ASSERT_EQ(slice.request.runs[i].edits.size(), 1U);
    EXPECT_EQ(slice.request.runs[i].edits[0].at, (HookPoint{Hook::resid_pre, i % 20 / 5}));
    EXPECT_EQ(slice.request.runs[i].edits[0].positions, (std::vector<std::size_t>{i % 5}));
  }
}

TEST_F(Slices, HoweverSmallTheyHoldEachPointOnceInOrder) {
  const std::size_t whole = cut({}).most_bytes;
  std::size_t most_slices = 0;
  for (const std::size_t eighths : {8U, 7U, 6U, 5U}) {
    SweepOptions options;
    options.memory_limit = whole * eighths / 8;
    const Cut limited = cut(options);
    EXPECT_TRUE(limited.points() == every_point());
    EXPECT_LE(limited.most_bytes, options.memory_limit);
    EXPECT_GE(limited.slices.size(), most_slices);
    most_slices = limited.slices.size();
  }
  EXPECT_GT(most_slices, 1U);
  SweepOptions each;
  each.operations_per_slice = 1;
  EXPECT_EQ(cut(each).slices.size(), 40U);
  EXPECT_TRUE(cut(each).points() == every_point());
  SweepOptions none;
  none.memory_limit = 1000;
  EXPECT_TRUE(test::refuses([&] { cut(none); }, "one grid point needs"));
}

TEST_F(Slices, TheCleanRunIsPaidOnceWhereItIsKept) {
  SweepOptions options;
  options.points_per_slice = 6;
  const Cut kept = cut(options);
  ASSERT_EQ(kept.slices.size(), 8U);  // 6 + 6 + 6 + 2 of each prompt
  double operations = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(kept.slices[i].prompts, std::vector<std::size_t>{i / 4});
    EXPECT_EQ(kept.slices[i].points.size(), i % 4 == 3 ? 2U : 6U);
    EXPECT_TRUE(kept.slices[i].keeps_clean);
    operations += kept.slices[i].cost.operations;
  }
  EXPECT_EQ(operations, cut({}).slices[0].cost.operations);
}

TEST_F(Slices, OtherRunsArePaidByTheFirstSliceThatReadsThem) {
  SweepOptions options;
  options.points_per_slice = 6;
  const Cut run = cut(options);
  for (std::size_t i = 0; i < run.slices.size(); ++i) EXPECT_EQ(run.slices[i].source_operations > 0, i % 4 == 0) << i;
}

TEST_F(Slices, KnownPointsAreToldAndAPromptOfThemAloneComesForItsCleanRun) {
  SweepOptions options;
  options.known = [](std::size_t p, std::size_t point) {
    return p == 0 || point % 2 == 0 ? std::optional(GridValue{}) : std::nullopt;
  };
  const Cut some = cut(options);
  EXPECT_EQ(some.known.size(), 30U);
  ASSERT_EQ(some.slices.size(), 1U);
  EXPECT_EQ(some.slices[0].prompts, (std::vector<std::size_t>{0, 1}));
  ASSERT_EQ(some.slices[0].points.size(), 10U);
  EXPECT_TRUE((some.slices[0].points[0] == GridPoint{1, 1}));
  for (const ConeRun& point : some.slices[0].request.runs) EXPECT_EQ(point.text, 1U);
}

TEST_F(Slices, APlanHasTheSlicesOfTheRun) {
  for (const double operations : {1e6, 4e6, 9e6}) {
    SweepOptions options;
    options.operations_per_slice = operations;
    const Cut plan = cut(options, SliceUse::plan), run = cut(options);
    EXPECT_GT(run.slices.size(), 1U);
    ASSERT_EQ(plan.slices.size(), run.slices.size());
    EXPECT_EQ(plan.most_bytes, run.most_bytes);
    for (std::size_t i = 0; i < run.slices.size(); ++i) {
      EXPECT_TRUE(plan.slices[i].points == run.slices[i].points);
      EXPECT_EQ(plan.slices[i].cost.operations, run.slices[i].cost.operations);
      EXPECT_EQ(plan.slices[i].source_operations, 0);
    }
  }
}

}  // namespace
}  // namespace stratoscope
