// Captures of chosen rows and heads are those parts of the whole value.
#include <gtest/gtest.h>

#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"

namespace stratoscope {
namespace {

const std::vector<std::size_t> kRows = {0, 3, 4, 9}, kHeads = {0, 2};

// The expected capture of `rows` and `heads`, from the whole value.
template <class T>
std::vector<T> part_of(HookPoint point, const BasicTensor<T>& whole, const std::vector<std::size_t>& rows,
                       const std::vector<std::size_t>& heads) {
  const HookInfo& info = info_of(point.hook);
  const Shape& shape = whole.shape();
  std::vector<T> part;
  const auto append = [&](std::size_t first, std::size_t count) {
    part.insert(part.end(), whole.data() + first, whole.data() + first + count);
  };
  if (info.has_axis(HookAxis::key)) {
    for (const std::size_t head : heads)
      for (const std::size_t row : rows) append((head * shape[1] + row) * shape[2], shape[2]);
  } else if (info.has_axis(HookAxis::head)) {
    for (const std::size_t row : rows)
      for (const std::size_t head : heads) append((row * shape[1] + head) * shape[2], shape[2]);
  } else {
    for (const std::size_t row : rows) append(row * shape[1], shape[1]);
  }
  return part;
}

template <class T, class RunModel>
void expect_parts(const ModelConfig& config, const RunModel& run) {
  test::Random random(4);
  RunRequest request = test::everything_of(config, {test::random_ids(random, 6, 67), test::random_ids(random, 5, 67)});
  const Run<T> whole = run(request);
  for (Capture& capture : request.captures) {
    capture.rows = kRows;
    if (info_of(capture.at.hook).has_axis(HookAxis::head)) capture.heads = kHeads;
  }
  const Run<T> part = run(request);
  ASSERT_EQ(part.captured.size(), whole.captured.size());
  for (const auto& [point, value] : part.captured) {
    const auto expected = part_of(point, whole.value(point), kRows, kHeads);
    ASSERT_EQ(value.size(), expected.size()) << name_of(point);
    EXPECT_TRUE(test::same_bits(value.values(), std::span<const T>(expected))) << name_of(point);
  }
  EXPECT_TRUE(test::same_bits(part.logits, whole.logits));
}

TEST(Captures, ChosenRowsAndHeadsAreThoseOfTheWholeValue) {
  const test::TestModelFolder folder;
  const Model model = Model::load(folder.path());
  expect_parts<float>(model.config(), [&](const RunRequest& request) { return model.run(request); });
  expect_parts<double>(model.config(), [&](const RunRequest& request) { return model.run_reference(request); });
}

}  // namespace
}  // namespace stratoscope
