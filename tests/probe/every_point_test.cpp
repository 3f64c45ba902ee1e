// Every hook point, selector and operation: the engine against the plain float64 path, and the rows that an edit may
// not reach against the clean run, bit for bit.
#include <gtest/gtest.h>

#include "stratoscope/probe/edits.h"
#include "tests/support/compare.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using EngineRun = Run<float>;
constexpr std::size_t kPositions = 9;

struct Loaded {
  explicit Loaded(const test::Sizes& sizes, std::uint64_t seed)
      : folder(sizes, seed),
        engine(Model::load(folder.path())),
        reference(Model::load(folder.path(), {Precision::fp64, 0, nullptr})),
        random(seed),
        ids(test::random_ids(random, kPositions, sizes.d_vocab)),
        corrupt(test::random_ids(random, kPositions, sizes.d_vocab)) {}

  RunRequest request(const Model& model, const std::vector<std::string>& texts) const {
    auto wanted = test::everything_of(model.config(), {ids});
    std::vector<EditExpression> expressions;
    expressions.reserve(texts.size());
    for (const std::string& text : texts) expressions.push_back(parse_edit(text));
    EditSources sources(model, ids, corrupt);
    sources.prepare(expressions);
    for (const EditExpression& expression : expressions)
      for (HookEdit& edit : resolve_edit(expression, sources)) wanted.edits.push_back(std::move(edit));
    return wanted;
  }

  test::TestModelFolder folder;
  Model engine, reference;
  test::Random random;
  TokenIds ids, corrupt;
};

std::vector<std::string> selectors_of(const HookInfo& info) {
  std::vector<std::string> selectors = {"", "[4]", "[2:5,-1]"};
  const bool keys = info.has_axis(HookAxis::key);
  if (info.has_axis(HookAxis::head)) selectors.insert(selectors.end(), {".head[1]", "[3].head[0,-1]"});
  if (keys)
    selectors.insert(selectors.end(), {".key[2]", "[4:].head[0].key[0,3]"});
  else
    selectors.insert(selectors.end(), {".dim[0]", "[1].dim[0,-1]", ".top[10%]", "[2:5].random[30%, seed=4]"});
  return selectors;
}

std::vector<std::string> operations_of(const HookInfo& info) {
  std::vector<std::string> operations = {"*= 0.5", "+= 0.75", "= 1.25", "= corrupt", "= corrupt[3]", "+= corrupt"};
  const bool divides =
      info.hook == Hook::ln1_scale || info.hook == Hook::ln2_scale || info.hook == Hook::ln_final_scale;
  if (!divides) operations.emplace_back("= zero");
  operations.insert(operations.end(), {"= 0.3 * corrupt + 0.7 * clean", "+= noise(0.3, 5) - 0.1 * clean"});
  if (!info.has_axis(HookAxis::key))
    operations.insert(operations.end(), {"= mean", "= 0.5 * median + 0.5 * clean", "+= mean(dim) - 0.5 * median(dim)"});
  if (!divides && !info.has_axis(HookAxis::key)) operations.emplace_back("without corrupt");
  return operations;
}

template <class T>
double largest_difference(const BasicTensor<T>& actual, const BasicTensor<double>& expected) {
  return test::largest_row_error(actual.values(), expected.values(), expected.shape().back()).relative;
}

TEST(EveryPoint, EngineAgreesWithThePlainPath) {
  const test::Sizes shapes[] = {{2, 3, 24, 40, 48, 67}, {2, 2, 10, 9, 12, 11}};
  std::size_t number = 0;
  for (const test::Sizes& sizes : shapes) {
    const Loaded loaded(sizes, 17 + sizes.d_model);
    for (const Hook hook : hooks_of(loaded.engine.config())) {
      const HookInfo& info = info_of(hook);
      const HookPoint point{info.hook, info.scope == Scope::block ? 1U : 0U};
      for (const std::string& selector : selectors_of(info)) {
        for (const std::string& operation : operations_of(info)) {
          // A vector of one number is its component along any vector: the rest is rounding.
          const bool chooses_numbers =
              selector.find(".dim") != std::string::npos || selector.find('%') != std::string::npos;
          if (operation.starts_with("without") && chooses_numbers) continue;
          if (!test::takes_case(number++)) continue;
          const std::string text = name_of(point) + selector + " " + operation;
          SCOPED_TRACE(text);
          const auto run = loaded.engine.run(loaded.request(loaded.engine, {text}));
          const auto proof = loaded.reference.run_reference(loaded.request(loaded.reference, {text}));
          // Without most of its numbers a row may come near zero, where relative errors mean little.
          EXPECT_LE(largest_difference(run.value(point), proof.value(point)), 2e-4);
          EXPECT_LE(largest_difference(run.logits, proof.logits), 2e-4);
        }
      }
    }
  }
}

// One row of the pos axis, all heads and keys.
std::vector<float> row_of(HookPoint point, const Tensor& value, std::size_t row) {
  const std::size_t outer = info_of(point.hook).has_axis(HookAxis::key) ? value.shape()[0] : 1;
  const std::size_t width = value.size() / outer / kPositions;
  std::vector<float> numbers;
  for (std::size_t o = 0; o < outer; ++o) {
    const float* begin = value.data() + (o * kPositions + row) * width;
    numbers.insert(numbers.end(), begin, begin + width);
  }
  return numbers;
}

// The rows of a value that an edit at `position` of `edited` must leave alone, as its table's reach says.
bool may_change(HookPoint edited, HookPoint other, std::size_t row, std::size_t position) {
  if (row < position) return false;
  if (row == position) return true;
  const HookInfo& info = info_of(edited.hook);
  const bool own_block = info_of(other.hook).scope == info.scope && other.layer == edited.layer;
  if (info.scope == Scope::after_blocks) return false;
  if (!own_block || info.scope == Scope::before_blocks) return info_of(other.hook).scope != Scope::before_blocks;
  // Within the block: from attention on, if the reach is that of a key or value.
  return info.reach == Reach::rows_from && other.hook >= Hook::attn_scores;
}

TEST(EveryPoint, ReachIsWhatTheTableSays) {
  constexpr std::size_t kAt = 4;
  const Loaded loaded({3, 3, 24, 40, 48, 67}, 23);
  const auto clean = loaded.engine.run(loaded.request(loaded.engine, {}));
  for (const HookPoint point : all_hook_points(loaded.engine.config())) {
    SCOPED_TRACE(name_of(point));
    const auto run = loaded.engine.run(loaded.request(loaded.engine, {name_of(point) + "[4] *= 3"}));
    bool reached = false;  // hook points from the edited one on
    for (const auto& [other, value] : run.captured) {
      reached = reached || other == point;
      const Tensor& before = clean.value(other);
      EXPECT_TRUE(reached || test::same_bits(value, before)) << name_of(other) << " comes before";
      for (std::size_t row = 0; row < kPositions; ++row) {
        if (may_change(point, other, row, kAt)) continue;
        EXPECT_EQ(row_of(other, value, row), row_of(other, before, row)) << name_of(other) << ", row " << row;
      }
    }
    EXPECT_FALSE(test::same_bits(run.value(point), clean.value(point))) << "the edit did nothing";
    EXPECT_NE(run.logits.matrix().row(kAt)[0], clean.logits.matrix().row(kAt)[0]);
  }
}

TEST(EveryPoint, ScoresAndPatternsNeverUnmaskTheFuture) {
  const Loaded loaded({2, 3, 24, 40, 48, 67}, 29);
  for (const char* text :
       {"blocks.0.attn.hook_attn_scores = 5", "blocks.0.attn.hook_pattern = 1", "blocks.*.attn.hook_attn_scores *= 0",
        "blocks.0.attn.hook_pattern += 0.5", "blocks.0.attn.hook_attn_scores[2] = corrupt[5]"}) {
    SCOPED_TRACE(text);
    const auto run = loaded.engine.run(loaded.request(loaded.engine, {text}));
    const auto proof = loaded.reference.run_reference(loaded.request(loaded.reference, {text}));
    for (const float logit : run.logits.values()) ASSERT_TRUE(std::isfinite(logit));
    const auto expect_masked = [](const auto& checked) {
      for (std::size_t layer = 0; layer < 2; ++layer)
        for (std::size_t head = 0; head < 3; ++head)
          for (std::size_t row = 0; row < kPositions; ++row)
            for (std::size_t key = row + 1; key < kPositions; ++key) {
              const auto& scores = checked.value({Hook::attn_scores, layer});
              const auto& pattern = checked.value({Hook::pattern, layer});
              const std::size_t index = (head * kPositions + row) * kPositions + key;
              ASSERT_TRUE(std::isinf(scores.data()[index]) && scores.data()[index] < 0);
              ASSERT_EQ(pattern.data()[index], 0);
            }
    };
    expect_masked(run);
    expect_masked(proof);
    // Later tokens change no earlier value.
    Loaded shorter({2, 3, 24, 40, 48, 67}, 29);
    shorter.ids.back() = (shorter.ids.back() + 1) % 67;
    if (std::string(text).find("corrupt") != std::string::npos) continue;
    const auto other = shorter.engine.run(shorter.request(shorter.engine, {text}));
    const std::size_t count = (kPositions - 1) * run.logits.shape()[1];
    EXPECT_TRUE(test::same_bits(run.logits.values().first(count), other.logits.values().first(count)));
  }
}

TEST(EveryPoint, AKeyThatTheOtherTextDidNotSeeIsNotSeenAfterItsRowIsPatchedIn) {
  const Loaded loaded({2, 3, 24, 40, 48, 67}, 31);
  const auto run = loaded.engine.run(loaded.request(loaded.engine, {"blocks.1.attn.hook_attn_scores[6] = corrupt[2]"}));
  const Tensor& pattern = run.value({Hook::pattern, 1});
  for (std::size_t head = 0; head < 3; ++head)
    for (std::size_t key = 0; key < kPositions; ++key)
      EXPECT_EQ(pattern.data()[(head * kPositions + 6) * kPositions + key] > 0, key <= 2);
  const auto scaled =
      loaded.engine.run(loaded.request(loaded.engine, {"blocks.1.attn.hook_attn_scores[6] *= corrupt[2]"}));
  for (const float logit : scaled.logits.values()) ASSERT_TRUE(std::isfinite(logit));
}

TEST(EveryPoint, TheSumOfEditedHeadsIsTheirOutput) {
  const Loaded loaded({2, 3, 24, 40, 48, 67}, 37);
  const auto clean = loaded.engine.run(loaded.request(loaded.engine, {}));
  const auto by_result = loaded.engine.run(loaded.request(loaded.engine, {"blocks.1.attn.hook_result.head[1] = zero"}));
  const auto by_z = loaded.engine.run(loaded.request(loaded.engine, {"L1H1 = zero"}));
  EXPECT_LE(test::largest_row_error(by_result.logits.values(), by_z.logits.values(), 67).relative, 1e-5);
  EXPECT_GT(test::largest_row_error(by_z.logits.values(), clean.logits.values(), 67).relative, 1e-3);
  // Other texts of the batch keep the plain sum's bits.
  auto batch = loaded.request(loaded.engine, {"blocks.1.attn.hook_result.head[1] = zero"});
  batch.sequences.push_back(loaded.ids);
  test::expect_sequence_has_bits_of(loaded.engine.run(batch), 1, clean);
}

}  // namespace
}  // namespace stratoscope
