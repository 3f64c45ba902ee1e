// A text's numbers are the same bits alone, in any batch, at any thread count, and during other runs.
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/oracle.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using test::everything_of;

using EngineRun = Run<float>;  // inside a test `Run` is GoogleTest's

Model load_with(const std::filesystem::path& folder, int threads, Precision precision = Precision::fp32) {
  return Model::load(folder, {precision, threads, nullptr});
}

std::vector<TokenIds> ragged_texts(const ModelConfig& config, std::uint64_t seed) {
  test::Random random(seed);
  std::vector<TokenIds> texts;
  for (const std::size_t length :
       {std::size_t{5}, std::size_t{1}, config.n_ctx, std::size_t{17}, std::size_t{1}, std::size_t{2}, std::size_t{33}})
    texts.push_back(test::random_ids(random, std::min(length, config.n_ctx), config.d_vocab));
  return texts;
}

// A batch at every thread count against each of its texts alone on one thread.
void expect_bits_do_not_depend_on_company(const std::filesystem::path& folder, const std::vector<TokenIds>& texts,
                                          Precision precision = Precision::fp32) {
  std::vector<Run<float>> alone;
  {
    const Model model = load_with(folder, 1, precision);
    for (const TokenIds& ids : texts) alone.push_back(model.run(everything_of(model.config(), {ids})));
  }
  for (const int threads : {1, 2, 3, 7}) {
    if (test::kWatched && threads < 3) continue;
    SCOPED_TRACE(std::to_string(threads) + " threads");
    const Model model = load_with(folder, threads, precision);
    const auto batch = model.run(everything_of(model.config(), texts));
    for (std::size_t s = 0; s < texts.size(); ++s) test::expect_sequence_has_bits_of(batch, s, alone[s]);
  }
}

TEST(Bits, RandomModelsOfAwkwardShapes) {
  const test::Sizes shapes[] = {
      {2, 3, 24, 40, 48, 67},    {1, 1, 1, 1, 9, 2},     {2, 5, 5, 7, 70, 11},
      {1, 2, 66, 131, 130, 257}, {1, 3, 99, 64, 40, 31},
  };
  for (const test::Sizes& sizes : shapes) {
    SCOPED_TRACE("d_model " + std::to_string(sizes.d_model));
    const test::TestModelFolder folder(sizes, 3 + sizes.d_model);
    expect_bits_do_not_depend_on_company(folder.path(), ragged_texts(read_model_config(folder.path()), 5));
  }
}

TEST(Bits, OracleModels) {
  const auto cases = test::oracle_cases();
  if (cases.empty()) GTEST_SKIP() << test::kNoOracle;
  for (const auto& which : cases) {
    if (which.name != "three_heads" && which.name != "head_size_one" && which.name != "wider") continue;
    SCOPED_TRACE(which.name);
    expect_bits_do_not_depend_on_company(which.model, ragged_texts(read_model_config(which.model), 6));
  }
}

TEST(Bits, BuiltInModel) {
  const std::filesystem::path folder = std::filesystem::path(STRATOSCOPE_SOURCE_DIR) / "models/novella-7m";
  test::Random random(9);
  std::vector<TokenIds> texts;
  for (const std::size_t length : {10U, 1U, 61U, 24U}) texts.push_back(test::random_ids(random, length, 8192));
  for (const Precision precision : {Precision::fp32, Precision::bf16})
    expect_bits_do_not_depend_on_company(folder, texts, precision);
}

TEST(Bits, TheReferenceToo) {
  const test::TestModelFolder folder;
  const Model model = Model::load(folder.path(), {Precision::fp64, 2, nullptr});
  const auto texts = ragged_texts(model.config(), 8);
  const auto batch = model.run_reference(everything_of(model.config(), texts));
  for (std::size_t s = 0; s < texts.size(); ++s)
    test::expect_sequence_has_bits_of(batch, s, model.run_reference(everything_of(model.config(), {texts[s]})));
}

TEST(Bits, LastLogitsOfABatchAreThoseOfAllRows) {
  const test::TestModelFolder folder;
  const Model model = load_with(folder.path(), 2);
  RunRequest request;
  request.sequences = ragged_texts(model.config(), 4);
  const auto all = model.run(request);
  request.logits = LogitRows::last;
  const auto last = model.run(request);
  ASSERT_EQ(last.logits.shape(), (Shape{request.sequences.size(), 67}));
  for (std::size_t s = 0; s < request.sequences.size(); ++s)
    EXPECT_TRUE(test::same_bits(std::span<const float>(last.logits.matrix().row_span(s)),
                                std::span<const float>(all.logits.matrix().row_span(all.row_offsets[s + 1] - 1))));
}

TEST(Bits, ConcurrentRunsDoNotDisturbEachOther) {
  const test::TestModelFolder folder;
  const Model model = load_with(folder.path(), 2);
  const auto texts = ragged_texts(model.config(), 12);
  std::vector<EngineRun> expected, actual(texts.size());
  for (const TokenIds& ids : texts) expected.push_back(model.run(everything_of(model.config(), {ids})));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < texts.size(); ++i)
    threads.emplace_back([&, i] {
      for (int repeat = 0; repeat < 3; ++repeat) actual[i] = model.run(everything_of(model.config(), {texts[i]}));
    });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < texts.size(); ++i) test::expect_same_bits(actual[i], expected[i]);
}

}  // namespace
}  // namespace stratoscope
