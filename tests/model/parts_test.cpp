// Parts of a forward pass have the bits of the whole one: stopped early, started late, and after a cache.
#include <gtest/gtest.h>

#include "stratoscope/model/kv_cache.h"
#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"

namespace stratoscope {
namespace {

using test::everything_of;
using test::refuses;
using test::same_bits;
using EngineRun = Run<float>;

// value *= 1.5 at even positions, on points whose first axis is pos.
class OnEvenPositions : public Edit {
 public:
  void apply(const HookValue<float>& value) const override { scale(value); }
  void apply(const HookValue<double>& value) const override { scale(value); }

 private:
  template <class T>
  static void scale(const HookValue<T>& value) {
    for (std::size_t i = 0; i < value.shape[0]; ++i)
      for (std::size_t j = 0; j < value.shape[1]; ++j)
        for (std::size_t k = 0; k < value.shape[2]; ++k)
          if ((value.first_position + i) % 2 == 0) value(i, j, k) *= T{1.5};
  }
};

class Parts : public ::testing::Test {
 protected:
  const test::TestModelFolder folder_{{4, 3, 24, 40, 48, 67}, 5};
  const Model model_ = Model::load(folder_.path());
  test::Random random_{11};
  const std::vector<TokenIds> texts_ = {test::random_ids(random_, 7, 67), test::random_ids(random_, 1, 67),
                                        test::random_ids(random_, 19, 67)};
  const EngineRun whole_ = model_.run(everything_of(model_.config(), texts_));

  std::vector<HookPoint> points_of_blocks(std::size_t first, std::size_t last) const {
    std::vector<HookPoint> points;
    for (const HookPoint point : all_hook_points(model_.config()))
      if (info_of(point.hook).scope == Scope::block && point.layer >= first && point.layer < last)
        points.push_back(point);
    return points;
  }
};

template <class T>
void expect_values_of(const Run<T>& part, const Run<T>& whole) {
  for (const auto& [point, value] : part.captured) EXPECT_TRUE(same_bits(value, whole.value(point))) << name_of(point);
}

TEST_F(Parts, StoppedRunsGiveTheBitsOfTheWhole) {
  for (std::size_t stop = 0; stop <= 4; ++stop) {
    RunRequest request;
    request.sequences = texts_;
    request.stop_at = stop;
    request.captures = captures_of(points_of_blocks(0, stop));
    const auto part = model_.run(request);
    expect_values_of(part, whole_);
    EXPECT_TRUE(part.logits.empty());
    ASSERT_EQ(part.hidden_states.shape(), (Shape{stop + 1, 27, 24}));
    const auto& entering = whole_.value(stop < 4 ? HookPoint{Hook::resid_pre, stop} : HookPoint{Hook::resid_post, 3});
    EXPECT_TRUE(same_bits(part.residual, entering));
    EXPECT_TRUE(same_bits(std::span<const float>(part.hidden_states.slice(stop).data, 27 * 24), entering.values()));
    request.hidden_states = false;
    EXPECT_TRUE(same_bits(model_.run(request).residual, entering));
  }
}

TEST_F(Parts, StartedRunsGiveTheBitsOfTheWhole) {
  for (std::size_t start = 0; start <= 4; ++start) {
    const auto& entering = whole_.value(start < 4 ? HookPoint{Hook::resid_pre, start} : HookPoint{Hook::resid_post, 3});
    RunRequest request;
    request.sequences = texts_;
    request.start = start_from(start, entering.matrix());
    request.captures = captures_of(points_of_blocks(start, 4));
    const auto part = model_.run(request);
    expect_values_of(part, whole_);
    EXPECT_TRUE(same_bits(part.logits, whole_.logits));
    ASSERT_EQ(part.hidden_states.shape(), (Shape{5 - start, 27, 24}));
    for (std::size_t entry = start; entry <= 4; ++entry)
      EXPECT_TRUE(same_bits(std::span<const float>(part.hidden_states.slice(entry - start).data, 27 * 24),
                            std::span<const float>(whole_.hidden_states.slice(entry).data, 27 * 24)));
    request.hidden_states = false;
    request.logits = LogitRows::last;
    EXPECT_EQ(model_.run(request).logits.shape(), (Shape{3, 67}));
  }
}

TEST_F(Parts, TheReferenceToo) {
  const Model reference = Model::load(folder_.path(), {Precision::fp64, 0, nullptr});
  const auto whole = reference.run_reference(everything_of(reference.config(), texts_));
  RunRequest request;
  request.sequences = texts_;
  request.stop_at = 2;
  const auto first = reference.run_reference(request);
  EXPECT_TRUE(same_bits(first.residual, whole.value({Hook::resid_pre, 2})));
  request.stop_at.reset();
  request.start = start_from(2, std::as_const(first.residual).matrix());
  EXPECT_TRUE(same_bits(reference.run_reference(request).logits, whole.logits));
}

TEST_F(Parts, ABlockRunAloneIsAPartOnBothSides) {
  RunRequest request;
  request.sequences = texts_;
  request.start = start_from(1, whole_.value({Hook::resid_pre, 1}).matrix());
  request.stop_at = 2;
  EXPECT_TRUE(same_bits(model_.run(request).residual, whole_.value({Hook::resid_pre, 2})));
}

TEST_F(Parts, WhatAPartDoesNotReachIsRefused) {
  RunRequest request;
  request.sequences = texts_;
  request.stop_at = 2;
  const auto asks_for = [&](HookPoint point) {
    return [this, request, point] {
      RunRequest asking = request;
      asking.captures = {{point, {}, {}}};
      model_.run(asking);
    };
  };
  EXPECT_TRUE(refuses(asks_for({Hook::z, 2}), "blocks.2.attn.hook_z is never computed: the run stops at block 2"));
  EXPECT_TRUE(refuses(asks_for({Hook::unembed_in, 0}), "the run stops at block 2"));
  request.stop_at.reset();
  request.start = start_from(2, whole_.value({Hook::resid_pre, 2}).matrix());
  EXPECT_TRUE(refuses(asks_for({Hook::z, 1}), "the run starts at block 2"));
  EXPECT_TRUE(refuses(asks_for({Hook::embed, 0}), "the run starts at block 2"));
  request.stop_at = 5;
  EXPECT_TRUE(refuses([&] { model_.run(request); }, "cannot stop at block 5: the model has 4 blocks"));
  request.stop_at = 1;
  EXPECT_TRUE(refuses([&] { model_.run(request); }, "cannot start at block 2 and end before block 1"));
  request.stop_at.reset();
  request.sequences.pop_back();
  EXPECT_TRUE(refuses([&] { model_.run(request); }, "has shape [27, 24], expected [8, 24]"));
}

// ---- after a cache

// The texts cut into pieces of `step` tokens, run one after another; every captured value of each piece against the
// whole run's rows.
void expect_cached_bits(const Model& model, const std::vector<TokenIds>& texts, std::size_t step,
                        const std::vector<HookEdit>& edits) {
  RunRequest request = everything_of(model.config(), texts);
  request.edits = edits;
  const auto whole = model.run(request);
  for (std::size_t s = 0; s < texts.size(); ++s) {
    KvCache cache(model.config());
    for (std::size_t first = 0; first < texts[s].size(); first += step) {
      const std::size_t count = std::min(step, texts[s].size() - first);
      const auto begin = texts[s].begin() + static_cast<std::ptrdiff_t>(first);
      RunRequest piece = everything_of(model.config(), {TokenIds(begin, begin + static_cast<std::ptrdiff_t>(count))});
      for (const HookEdit& edit : edits)
        if (edit.sequence == s) piece.edits.push_back({edit.at, 0, edit.edit});
      piece.cache = &cache;
      const auto part = model.run(piece);
      EXPECT_EQ(cache.length(0), first + count);
      for (const auto& [point, value] : part.captured) {
        // A piece's rows see first + count keys; the whole run's rows hold more, which they do not see.
        const bool has_keys = info_of(point.hook).has_axis(HookAxis::key);
        const Tensor& all = whole.value(point);
        const std::size_t heads = has_keys ? all.shape()[0] : 1, row = whole.row_offsets[s] + first;
        const std::size_t keys = has_keys ? first + count : value.size() / value.shape()[0];
        const std::size_t width = all.shape().back() * (has_keys || all.shape().size() < 3 ? 1 : all.shape()[1]);
        const std::size_t total = all.size() / width / heads;
        for (std::size_t head = 0; head < heads; ++head)
          for (std::size_t r = 0; r < count; ++r)
            EXPECT_TRUE(same_bits(std::span<const float>(value.data() + (head * count + r) * keys, keys),
                                  std::span<const float>(all.data() + (head * total + row + r) * width, keys)))
                << name_of(point) << " of text " << s << ", position " << first + r << ", in steps of " << step;
      }
      const std::span<const float> logits = part.logits.values();
      EXPECT_TRUE(same_bits(
          logits, std::span<const float>(whole.logits.matrix().row(whole.row_offsets[s] + first), logits.size())));
    }
  }
}

TEST_F(Parts, CachedStepsGiveTheBitsOfTheWholeAtEveryHookPoint) {
  for (const std::size_t step : {1U, 2U, 5U, 19U}) expect_cached_bits(model_, texts_, step, {});
}

TEST_F(Parts, CachedStepsWithEditsToo) {
  std::vector<HookEdit> edits;
  const auto edit = std::make_shared<OnEvenPositions>();
  for (const Hook hook : {Hook::resid_pre, Hook::k, Hook::v, Hook::z, Hook::ln2_scale, Hook::mlp_post})
    edits.push_back({{hook, 1}, 2, edit});
  for (const std::size_t step : {1U, 3U}) expect_cached_bits(model_, texts_, step, edits);
}

TEST_F(Parts, ABatchOfCachesGoesOnTogether) {
  KvCache cache(model_.config(), 3);
  std::vector<TokenIds> first = texts_, second(3);
  for (std::size_t s = 0; s < 3; ++s) {
    second[s] = {first[s].back()};
    if (first[s].size() > 1) first[s].pop_back();
  }
  RunRequest request;
  request.sequences = first;
  request.cache = &cache;
  request.logits = LogitRows::last;
  model_.run(request);
  cache.truncate(1, 0);  // a text of one token goes again
  request.sequences = second;
  const auto last = model_.run(request);
  for (std::size_t s = 0; s < 3; ++s)
    EXPECT_TRUE(same_bits(last.logits.matrix().row_span(s),
                          std::span<const float>(whole_.logits.matrix().row_span(whole_.row_offsets[s + 1] - 1))));
}

TEST_F(Parts, CachesThatDoNotFitAreRefusedAndLeftAsTheyWere) {
  KvCache small(model_.config(), 1, 4);
  RunRequest request;
  request.sequences = {{1, 2, 3}};
  request.cache = &small;
  model_.run(request);
  EXPECT_TRUE(refuses([&] { model_.run(request); }, "the cache has room for 4 positions, not for 6"));
  EXPECT_EQ(small.length(0), 3U);
  request.sequences = texts_;
  EXPECT_TRUE(refuses([&] { model_.run(request); }, "the cache is for 1 texts, not for 3"));
  KvCache full(model_.config());
  request.cache = &full;
  request.sequences = {TokenIds(48, 1)};
  model_.run(request);
  request.sequences = {{1}};
  EXPECT_TRUE(refuses([&] { model_.run(request); }, "49 tokens, more than the model's context of 48"));
  full.truncate(0, 3);
  EXPECT_TRUE(refuses([&] { model_.run_reference(request); }, "the reference has no cache"));
  request.stop_at = 1;
  EXPECT_TRUE(refuses([&] { model_.run(request); }, "a part of a pass takes no cache"));
}

}  // namespace
}  // namespace stratoscope
