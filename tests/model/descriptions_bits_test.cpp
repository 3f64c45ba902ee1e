// Random descriptions and those with the shape of known families: the same bits alone and in a batch, at any thread
// count, after a cache, in parts of a pass, and after edits that change nothing.
#include <gtest/gtest.h>

#include "stratoscope/model/kv_cache.h"
#include "stratoscope/model/make_edit.h"
#include "tests/support/described_model.h"
#include "tests/support/errors.h"
#include "tests/support/random_description.h"
#include "tests/support/runs.h"

namespace stratoscope {
namespace {

using test::everything_of;
using test::same_bits;

using EngineRun = Run<float>;  // inside a test `Run` is GoogleTest's

struct DescribedTexts : test::DescribedModel {
  DescribedTexts(const ModelConfig& config, std::uint64_t seed) : DescribedModel(config, seed) {
    test::Random random(seed);
    for (const std::size_t length : {std::size_t{5}, config.n_ctx, std::size_t{1}, std::size_t{17}})
      texts.push_back(test::random_ids(random, length, config.d_vocab));
  }
  std::vector<TokenIds> texts;
};

template <class Check>
void for_descriptions(std::size_t random, std::uint64_t seed, const Check& check) {
  for (const ModelConfig& config : test::all_descriptions(random, seed)) {
    SCOPED_TRACE(test::summary_of(config));
    check(DescribedTexts(config, ++seed));
  }
}

TEST(DescriptionBits, DoNotDependOnCompanyOrThreads) {
  for_descriptions(3, 11, [](const DescribedTexts& described) {
    std::vector<EngineRun> alone;
    {
      const Model model = described.open(Precision::fp32, 1);
      for (const TokenIds& ids : described.texts) alone.push_back(model.run(everything_of(model.config(), {ids})));
    }
    for (const int threads : {1, 2, 3, 7}) {
      SCOPED_TRACE(std::to_string(threads) + " threads");
      const Model model = described.open(Precision::fp32, threads);
      const auto batch = model.run(everything_of(model.config(), described.texts));
      for (std::size_t s = 0; s < alone.size(); ++s) test::expect_sequence_has_bits_of(batch, s, alone[s]);
    }
  });
}

TEST(DescriptionBits, OfTheReferenceDoNotDependOnCompany) {
  for_descriptions(3, 12, [](const DescribedTexts& described) {
    const Model model = described.open(Precision::fp64, 2);
    const auto batch = model.run_reference(everything_of(model.config(), described.texts));
    for (std::size_t s = 0; s < described.texts.size(); ++s)
      test::expect_sequence_has_bits_of(batch, s,
                                        model.run_reference(everything_of(model.config(), {described.texts[s]})));
  });
}

// As much of a text as turns alike in pieces.
TokenIds turning_alike(const TokenIds& ids, const ModelConfig& config) {
  std::size_t most = ids.size();
  for (const BlockSpec& block : config.blocks)
    most = std::min(most, turns_change_after(block.attention.rotary).value_or(most));
  return {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(most)};
}

// The rows of a text's piece that begins at `first`, which follows as many cached keys.
void expect_piece_has_bits_of(const Run<float>& piece, std::size_t first, const Run<float>& whole) {
  const std::size_t count = piece.rows(), d = whole.hidden_states.shape()[2];
  for (std::size_t entry = 0; entry < whole.hidden_states.shape()[0]; ++entry)
    EXPECT_TRUE(same_bits(std::span<const float>(piece.hidden_states.slice(entry).data, count * d),
                          std::span<const float>(whole.hidden_states.slice(entry).row(first), count * d)))
        << "hidden state " << entry;
  EXPECT_TRUE(
      same_bits(piece.logits.values(), std::span<const float>(whole.logits.matrix().row(first), piece.logits.size())))
      << "logits";
  for (const auto& [point, value] : piece.captured) {
    const Tensor& all = whole.value(point);
    if (!info_of(point.hook).has_axis(HookAxis::key)) {
      const std::size_t width = value.size() / count;
      EXPECT_TRUE(same_bits(value.values(), std::span<const float>(all.data() + first * width, value.size())))
          << name_of(point);
      continue;
    }
    const std::size_t heads = value.shape()[0], keys = value.shape()[2], rows = all.shape()[1], total = all.shape()[2];
    ASSERT_EQ(keys, first + count);
    for (std::size_t row = 0; row < heads * count; ++row)
      EXPECT_TRUE(
          same_bits(std::span<const float>(value.data() + row * keys, keys),
                    std::span<const float>(all.data() + (row / count * rows + first + row % count) * total, keys)))
          << name_of(point) << ", row " << row;
  }
}

TEST(DescriptionBits, OfACachedRunInPiecesAreThoseOfTheWhole) {
  for_descriptions(3, 13, [](const DescribedTexts& described) {
    const Model model = described.open();
    const TokenIds ids = turning_alike(described.texts[1], model.config());
    const auto whole = model.run(everything_of(model.config(), {ids}));
    for (const std::size_t step : {1U, 6U}) {
      SCOPED_TRACE("in steps of " + std::to_string(step));
      KvCache cache(model.config());
      for (std::size_t first = 0; first < ids.size(); first += step) {
        SCOPED_TRACE("from " + std::to_string(first));
        const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(first);
        const auto end = begin + static_cast<std::ptrdiff_t>(std::min(step, ids.size() - first));
        RunRequest request = everything_of(model.config(), {TokenIds(begin, end)});
        request.cache = &cache;
        expect_piece_has_bits_of(model.run(request), first, whole);
      }
      EXPECT_EQ(cache.length(0), ids.size());
    }
  });
}

TEST(DescriptionBits, ACacheDoesNotGoOnWhereTurnsChange) {
  int refused = 0;
  for_descriptions(30, 18, [&](const DescribedTexts& described) {
    const Model model = described.open();
    const TokenIds &ids = described.texts[1], alike = turning_alike(ids, model.config());
    if (alike.size() == ids.size()) return;
    KvCache cache(model.config());
    RunRequest request;
    request.cache = &cache;
    request.sequences = {alike};
    model.run(request);
    request.sequences = {{ids.begin() + static_cast<std::ptrdiff_t>(alike.size()), ids.end()}};
    EXPECT_TRUE(test::refuses([&] { model.run(request); }, "those change after 20 tokens; run the whole text"));
    EXPECT_EQ(cache.length(0), alike.size());
    ++refused;
  });
  EXPECT_GE(refused, 3);
}

TEST(DescriptionBits, OfCachesOfUnequalTextsAreThoseOfTheWhole) {
  for_descriptions(3, 14, [](const DescribedTexts& described) {
    const Model model = described.open();
    const std::vector<TokenIds> texts = {turning_alike(described.texts[1], model.config()), described.texts[3],
                                         described.texts[0]};
    const auto whole = model.run(everything_of(model.config(), texts));
    KvCache cache(model.config(), texts.size());
    // Each text is cut at other positions.
    const std::size_t cuts[][4] = {
        {0, 14, 15, texts[0].size()}, {0, 1, 12, texts[1].size()}, {0, 3, 4, texts[2].size()}};
    for (std::size_t piece = 0; piece < 3; ++piece) {
      RunRequest request;
      for (std::size_t s = 0; s < texts.size(); ++s)
        request.sequences.emplace_back(texts[s].begin() + static_cast<std::ptrdiff_t>(cuts[s][piece]),
                                       texts[s].begin() + static_cast<std::ptrdiff_t>(cuts[s][piece + 1]));
      request.cache = &cache;
      const auto part = model.run(request);
      for (std::size_t s = 0; s < texts.size(); ++s) {
        const std::size_t count = request.sequences[s].size() * model.config().d_vocab;
        EXPECT_TRUE(
            same_bits(std::span<const float>(part.logits.matrix().row(part.row_offsets[s]), count),
                      std::span<const float>(whole.logits.matrix().row(whole.row_offsets[s] + cuts[s][piece]), count)))
            << "text " << s << ", piece " << piece;
      }
    }
  });
}

template <class T>
void expect_captured_bits_of(const Run<T>& part, const Run<T>& whole) {
  for (const auto& [point, value] : part.captured) EXPECT_TRUE(same_bits(value, whole.value(point))) << name_of(point);
}

// The run split at every block: the output of the first part is the input of the second.
template <class T, class RunModel>
void expect_parts_have_bits_of_the_whole(const ModelConfig& config, const std::vector<TokenIds>& texts,
                                         const RunModel& run) {
  const Run<T> whole = run(everything_of(config, texts));
  const std::size_t layers = config.n_layers(), size = whole.rows() * config.d_model;
  for (std::size_t cut = 0; cut <= layers; ++cut) {
    SCOPED_TRACE("cut at block " + std::to_string(cut));
    RunRequest before, after;
    before.sequences = after.sequences = texts;
    before.stop_at = cut;
    std::vector<HookPoint> points[2];
    for (const HookPoint point : all_hook_points(config)) {
      const Scope scope = info_of(point.hook).scope;
      const bool first = scope == Scope::before_blocks || (scope == Scope::block && point.layer < cut);
      points[first ? 0 : 1].push_back(point);
    }
    before.captures = captures_of(points[0]);
    after.captures = captures_of(points[1]);
    const Run<T> head = run(before);
    expect_captured_bits_of(head, whole);
    after.start = start_from(cut, head.residual.matrix());
    const Run<T> tail = run(after);
    expect_captured_bits_of(tail, whole);
    EXPECT_TRUE(same_bits(tail.logits, whole.logits));
    ASSERT_EQ(head.hidden_states.shape()[0], cut + 1);
    ASSERT_EQ(tail.hidden_states.shape()[0], layers + 1 - cut);
    for (std::size_t entry = 0; entry < cut; ++entry)
      EXPECT_TRUE(same_bits(std::span<const T>(head.hidden_states.slice(entry).data, size),
                            std::span<const T>(whole.hidden_states.slice(entry).data, size)));
    for (std::size_t entry = cut; entry <= layers; ++entry)
      EXPECT_TRUE(same_bits(std::span<const T>(tail.hidden_states.slice(entry - cut).data, size),
                            std::span<const T>(whole.hidden_states.slice(entry).data, size)));
  }
}

TEST(DescriptionBits, OfARunCutAtABlockAreThoseOfTheWhole) {
  for_descriptions(3, 15, [](const DescribedTexts& described) {
    const Model model = described.open();
    expect_parts_have_bits_of_the_whole<float>(model.config(), described.texts,
                                               [&](const RunRequest& request) { return model.run(request); });
  });
}

TEST(DescriptionBits, OfAReferenceCutAtABlockAreThoseOfTheWhole) {
  for_descriptions(3, 15, [](const DescribedTexts& described) {
    const Model model = described.open(Precision::fp64);
    expect_parts_have_bits_of_the_whole<double>(
        model.config(), described.texts, [&](const RunRequest& request) { return model.run_reference(request); });
  });
}

TEST(DescriptionBits, LastLogitsAreThoseOfAllRows) {
  for_descriptions(3, 16, [](const DescribedTexts& described) {
    const Model model = described.open();
    RunRequest request;
    request.sequences = described.texts;
    const auto all = model.run(request);
    request.logits = LogitRows::last;
    const auto last = model.run(request);
    for (std::size_t s = 0; s < described.texts.size(); ++s)
      EXPECT_TRUE(same_bits(std::span<const float>(last.logits.matrix().row_span(s)),
                            std::span<const float>(all.logits.matrix().row_span(all.row_offsets[s + 1] - 1))));
  });
}

// Multiplies by 1.
std::shared_ptr<const Edit> times_one() {
  return make_edit([](const auto& value) {
    using Number = std::decay_t<decltype(value(0, 0, 0))>;
    for (std::size_t i = 0; i < value.shape[0]; ++i)
      for (std::size_t j = 0; j < value.shape[1]; ++j)
        for (std::size_t k = 0; k < value.shape[2]; ++k) value(i, j, k) *= Number{1};
  });
}

TEST(DescriptionBits, AreNotChangedByAnEditThatChangesNothing) {
  for_descriptions(3, 17, [](const DescribedTexts& described) {
    const Model model = described.open(), reference = described.open(Precision::fp64);
    RunRequest request = everything_of(model.config(), {described.texts[3]});
    const auto clean = model.run(request);
    const auto proof = reference.run_reference(request);
    for (const HookPoint point : all_hook_points(model.config())) {
      SCOPED_TRACE(name_of(point));
      request.edits = {{point, 0, times_one()}};
      test::expect_same_bits(reference.run_reference(request), proof);
      const auto run = model.run(request);
      // Edited heads are summed one by one, those that are not by the product with all of them.
      if (point.hook == Hook::result)
        EXPECT_LE(test::largest_row_error(run.logits.values(), clean.logits.values(), model.config().d_vocab).relative,
                  1e-4);
      else
        test::expect_same_bits(run, clean);
    }
  });
}

}  // namespace
}  // namespace stratoscope
