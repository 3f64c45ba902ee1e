// Edits and captures without expressions: functions as edits, what they are shown, and many runs of one model at once.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <stdexcept>
#include <thread>

#include "stratoscope/model/make_edit.h"
#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"

namespace stratoscope {
namespace {

using test::refuses;
using EngineRun = Run<float>;

// value *= factor everywhere.
std::shared_ptr<const Edit> times(double factor) {
  return make_edit([factor](const auto& value) {
    using Number = std::decay_t<decltype(value(0, 0, 0))>;
    for (std::size_t i = 0; i < value.shape[0]; ++i)
      for (std::size_t j = 0; j < value.shape[1]; ++j)
        for (std::size_t k = 0; k < value.shape[2]; ++k) value(i, j, k) *= static_cast<Number>(factor);
  });
}

class TypedEdits : public ::testing::Test {
 protected:
  const test::TestModelFolder folder_{{2, 3, 24, 40, 48, 67}, 13};
  const Model model_ = Model::load(folder_.path());
  const TokenIds ids_ = {3, 1, 4, 1, 5};
};

TEST_F(TypedEdits, AFunctionIsShownEachValueOnceWithTheShapeOfItsHookPoint) {
  const Model reference = Model::load(folder_.path(), {Precision::fp64, 0, nullptr});
  std::vector<std::array<std::size_t, 3>> shapes;
  const auto look = make_edit([&](const auto& value) { shapes.push_back(value.shape); });
  for (const HookPoint point : all_hook_points(model_.config())) {
    SCOPED_TRACE(name_of(point));
    Shape shape = shape_of(point, model_.config(), ids_.size());
    if (shape.size() == 2) shape.insert(shape.begin() + 1, 1);
    RunRequest request;
    request.sequences = {ids_, {7, 7}};
    request.edits = {{point, 0, look}};
    shapes.clear();
    model_.run(request);
    reference.run_reference(request);
    ASSERT_EQ(shapes.size(), 2U);
    for (const auto& shown : shapes) EXPECT_EQ(Shape(shown.begin(), shown.end()), shape);
  }
}

TEST_F(TypedEdits, AFunctionIsShownWhatACaptureCopiesAndTheCaptureSeesWhatItLeaves) {
  for (const HookPoint point : all_hook_points(model_.config())) {
    SCOPED_TRACE(name_of(point));
    RunRequest request;
    request.sequences = {ids_};
    request.captures = captures_of(std::vector<HookPoint>{point});
    const auto clean = model_.run(request);
    std::vector<float> shown;
    request.edits = {{point, 0, make_edit([&](const auto& value) {
                        for (std::size_t i = 0; i < value.shape[0]; ++i)
                          for (std::size_t j = 0; j < value.shape[1]; ++j)
                            for (std::size_t k = 0; k < value.shape[2]; ++k)
                              shown.push_back(static_cast<float>(value(i, j, k)));
                      })},
                     {point, 0, times(3)}};
    const auto edited = model_.run(request);
    EXPECT_TRUE(test::same_bits(std::span<const float>(shown), clean.value(point).values()));
    const auto before = clean.value(point).values(), after = edited.value(point).values();
    for (std::size_t i = 0; i < before.size(); ++i)
      if (!std::isinf(before[i])) {
        ASSERT_EQ(after[i], before[i] * 3);
      }
  }
}

TEST_F(TypedEdits, WhatAFunctionThrowsComesThroughAndTheModelGoesOn) {
  for (const Hook hook : {Hook::resid_pre, Hook::attn_scores, Hook::pattern, Hook::result, Hook::unembed_out}) {
    const HookPoint point{hook, hook == Hook::unembed_out ? 0U : 1U};
    RunRequest request;
    request.sequences = {ids_};
    const auto clean = model_.run(request);
    request.edits = {{point, 0, make_edit([](const auto&) { throw std::domain_error("of the caller's own"); })}};
    EXPECT_THROW(model_.run(request), std::domain_error) << name_of(point);
    request.edits.clear();
    test::expect_same_bits(model_.run(request), clean);
  }
}

TEST_F(TypedEdits, AnEditThatCannotActIsAnError) {
  RunRequest request;
  request.sequences = {ids_};
  request.edits = {{{Hook::resid_pre, 0}, 0, nullptr}};
  EXPECT_TRUE(refuses([&] { model_.run(request); }, "blocks.0.hook_resid_pre has no edit to apply"));
  request.edits = {{{Hook::unembed_out, 0}, 0, times(2)}};
  request.logits = LogitRows::none;
  EXPECT_TRUE(refuses([&] { model_.run(request); }, "the edit of unembed.hook_out never acted"));
  request.edits = {{{Hook::resid_pre, 2}, 0, times(2)}};
  EXPECT_TRUE(refuses([&] { model_.run(request); }, "blocks.2.hook_resid_pre does not exist"));
}

TEST_F(TypedEdits, WhatWasCapturedNeverChanges) {
  RunRequest request = test::everything_of(model_.config(), {ids_});
  const auto first = model_.run(request), again = model_.run(request);
  for (const HookPoint point : all_hook_points(model_.config())) request.edits.push_back({point, 0, times(-2)});
  const auto edited = model_.run(request);
  test::expect_same_bits(first, again);
  EXPECT_FALSE(test::same_bits(edited.logits, first.logits));
}

// A const model, one edit object in all runs, and each run with its own captures.
TEST_F(TypedEdits, ManyAtOnceHaveTheBitsOfEachAlone) {
  const auto points = all_hook_points(model_.config());
  const auto twice = times(2);
  const auto request_of = [&](std::size_t i) {
    RunRequest request = test::everything_of(model_.config(), {ids_, {static_cast<std::int32_t>(i), 9}});
    request.edits = {{points[i], i % 2, twice}, {points[(i * 7) % points.size()], 0, times(0.5)}};
    return request;
  };
  std::vector<EngineRun> expected(points.size()), actual(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) expected[i] = model_.run(request_of(i));
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < points.size(); i += 4) actual[i] = model_.run(request_of(i));
    });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < points.size(); ++i) test::expect_same_bits(actual[i], expected[i]);
}

}  // namespace
}  // namespace stratoscope
