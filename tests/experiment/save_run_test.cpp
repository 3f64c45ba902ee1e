// A run kept in a file holds what the model computed, for one text and for many.
#include "stratoscope/experiment/save_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "stratoscope/files/npz.h"
#include "stratoscope/files/safetensors.h"
#include "tests/base/temporary_folder.h"
#include "tests/experiment/built_in_model.h"
#include "tests/support/compare.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using stratoscope::testing::TemporaryFolder;
using test::built_in;
using test::refuses;

template <class T>
bool holds_bits(const StoredTensor& stored, const BasicTensor<T>& expected) {
  return stored.shape == expected.shape() && stored.bytes.size() == expected.size() * sizeof(T) &&
         std::memcmp(stored.bytes.data(), expected.data(), stored.bytes.size()) == 0;
}

TEST(SaveRun, OneTextBitForBit) {
  const TemporaryFolder folder;
  SaveRunRequest request;
  request.texts = {test::kPenguins};
  request.captures = {"blocks.*.attn.hook_pattern", "transformer.h.3", "blocks.3.hook_resid_post"};
  request.file = folder / "run.safetensors";
  const SavedRun saved = save_run(built_in(), request);
  const SafetensorsFile file(request.file);
  EXPECT_EQ(saved.keys.size(), 3U + 12 + 1);
  EXPECT_EQ(file.tensors().size(), saved.keys.size());
  EXPECT_FALSE(saved.effect);

  RunRequest run_request;
  run_request.sequences = {saved.texts[0].ids};
  run_request.captures = {{{Point::pattern, 5}, {}, {}}, {{Point::resid_post, 3}, {}, {}}};
  const auto run = built_in().model().run(run_request);
  EXPECT_EQ(test::ids_of(file.at("input_ids")), saved.texts[0].ids);
  EXPECT_TRUE(holds_bits(file.at("hidden_states"), run.hidden_states));
  EXPECT_TRUE(holds_bits(file.at("logits"), run.logits));
  EXPECT_TRUE(holds_bits(file.at("blocks.5.attn.hook_pattern"), run.value({Point::pattern, 5})));
  EXPECT_TRUE(holds_bits(file.at("blocks.3.hook_resid_post"), run.value({Point::resid_post, 3})));
  EXPECT_EQ(file.metadata().at("model"), "novella-7m");
  EXPECT_EQ(file.metadata().at("precision"), "fp32");
}

TEST(SaveRun, ManyTextsEndToEndWithTheBitsOfEach) {
  const TemporaryFolder folder;
  SaveRunRequest request;
  request.texts = {test::kPenguins, "Yes", "As Gregor Samsa awoke one morning from uneasy dreams"};
  request.captures = {"blocks.2.attn.hook_attn_scores", "blocks.2.attn.hook_z"};
  request.packed = true;
  request.file = folder / "all.safetensors";
  const SavedRun saved = save_run(built_in(), request);
  const SafetensorsFile all(request.file);
  const auto offsets = test::ids_of(all.at("row_offsets"));
  ASSERT_EQ(offsets.size(), 4U);
  const auto hidden = test::values_of(all.at("hidden_states")), logits = test::values_of(all.at("logits"));
  const auto z = test::values_of(all.at("blocks.2.attn.hook_z"));
  const auto rows = static_cast<std::size_t>(offsets.back());
  const std::size_t width = built_in().config().d_model, vocabulary = built_in().config().d_vocab;
  for (std::size_t t = 0; t < 3; ++t) {
    SaveRunRequest one = request;
    one.texts = {request.texts[t]};
    one.packed = false;
    one.file = folder / "one.safetensors";
    save_run(built_in(), one);
    const SafetensorsFile single(one.file);
    EXPECT_FALSE(single.contains("row_offsets"));
    const auto first = static_cast<std::size_t>(offsets[t]), count = static_cast<std::size_t>(offsets[t + 1]) - first;
    const auto own_hidden = test::values_of(single.at("hidden_states"));
    for (std::size_t entry = 0; entry < built_in().config().n_hidden_states(); ++entry)
      EXPECT_TRUE(std::equal(own_hidden.begin() + static_cast<std::ptrdiff_t>(entry * count * width),
                             own_hidden.begin() + static_cast<std::ptrdiff_t>((entry + 1) * count * width),
                             hidden.begin() + static_cast<std::ptrdiff_t>((entry * rows + first) * width)))
          << "text " << t << ", entry " << entry;
    const auto own_logits = test::values_of(single.at("logits")),
               own_z = test::values_of(single.at("blocks.2.attn.hook_z"));
    EXPECT_TRUE(std::equal(own_logits.begin(), own_logits.end(),
                           logits.begin() + static_cast<std::ptrdiff_t>(first * vocabulary)));
    EXPECT_TRUE(std::equal(own_z.begin(), own_z.end(), z.begin() + static_cast<std::ptrdiff_t>(first * width)));
  }
  // Keys that a shorter text does not have stay masked.
  const auto& scores = all.at("blocks.2.attn.hook_attn_scores");
  EXPECT_EQ(scores.shape[2], saved.texts[0].ids.size() > saved.texts[2].ids.size() ? saved.texts[0].ids.size()
                                                                                   : saved.texts[2].ids.size());
  const auto values = test::values_of(scores);
  const auto row = static_cast<std::size_t>(offsets[1]);
  EXPECT_TRUE(std::isfinite(values[row * scores.shape[2]]));
  for (std::size_t key = 1; key < scores.shape[2]; ++key) EXPECT_EQ(values[row * scores.shape[2] + key], -INFINITY);
}

TEST(SaveRun, EditsAndFloat64AndNpz) {
  const TemporaryFolder folder;
  SaveRunRequest request;
  request.texts = {"A wise man"};
  request.edits.expressions = {"blocks.0.hook_mlp_out = zero"};
  request.captures = {"blocks.0.hook_mlp_out"};
  request.file = folder / "run.npz";
  const SavedRun saved = save_run(built_in(Precision::fp64), request);
  ASSERT_TRUE(saved.effect);
  EXPECT_GT(saved.effect->kl, 0);
  const auto arrays = read_npz(request.file);
  const StoredArray& mlp_out = arrays.at("blocks.0.hook_mlp_out");
  EXPECT_EQ(mlp_out.dtype, DType::f64);
  for (const std::byte byte : mlp_out.bytes) ASSERT_EQ(byte, std::byte{0});
  EXPECT_EQ(arrays.at("hidden_states").shape, (Shape{13, saved.texts[0].ids.size(), 192}));
}

TEST(SaveRun, RefusalsComeBeforeTheWorkAndLeaveNoFile) {
  const TemporaryFolder folder;
  SaveRunRequest request;
  request.texts = {"A wise man"};
  request.file = folder / "run.txt";
  EXPECT_TRUE(refuses([&] { save_run(built_in(), request); }, "run.txt"));
  request.file = folder / "run.npz";
  request.captures = {"blocks.0.hook_nothing"};
  EXPECT_TRUE(refuses([&] { save_run(built_in(), request); }, "there is no 'blocks.0.hook_nothing'"));
  request.captures = {};
  request.edits.expressions = {"blocks.0.hook_mlp_out *= "};
  EXPECT_TRUE(refuses([&] { save_run(built_in(), request); }, "a value is expected here"));
  request.edits.expressions = {};
  request.texts = {"A", ""};
  request.packed = true;
  EXPECT_TRUE(refuses([&] { save_run(built_in(), request); }, "text 2 is empty"));
  request.texts = {};
  EXPECT_TRUE(refuses([&] { save_run(built_in(), request); }, "the list of texts is empty"));
  request.texts = {"A"};
  request.file = folder / "none/run.npz";
  EXPECT_TRUE(refuses([&] { save_run(built_in(), request); }, "none/run.npz"));
  EXPECT_EQ(folder.entry_count(), 0U);
}

TEST(ReadTexts, LinesOfJson) {
  const TemporaryFolder folder;
  const auto texts = [&](std::string_view content) { return read_texts(folder.file("t.jsonl", content)); };
  EXPECT_EQ(texts("{\"text\": \"a\\nb\"}\r\n\n  \n{\"id\": 3, \"text\": \"\"}"),
            (std::vector<std::string>{"a\nb", ""}));
  EXPECT_TRUE(refuses([&] { texts("{\"text\": \"a\"}\n{\"text\": 3}\n"); }, "line 2: has no field \"text\""));
  EXPECT_TRUE(refuses([&] { texts("\n[]\n"); }, "line 2: has no field"));
  EXPECT_TRUE(refuses([&] { texts("{\"text\": \"a\"\n"); }, "line 1: is not JSON"));
  EXPECT_TRUE(refuses([&] { texts("\n \n"); }, "holds no text"));
  EXPECT_TRUE(refuses([&] { texts(""); }, "holds no text"));
  EXPECT_TRUE(refuses([&] { read_texts(folder / "none.jsonl"); }, "none.jsonl"));
}

}  // namespace
}  // namespace stratoscope
