// A saved run has the values of the model, for one text and for many.
#include "stratoscope/experiments/run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "stratoscope/corpus/text_lines.h"
#include "stratoscope/corpus/token_spool.h"
#include "stratoscope/files/npz.h"
#include "stratoscope/files/safetensors.h"
#include "stratoscope/files/save_arrays.h"
#include "tests/base/temporary_folder.h"
#include "tests/files/every_array.h"
#include "tests/support/built_in_model.h"
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
  const SavedRun saved = stratoscope::run(built_in(), request);
  const SafetensorsFile file(*request.file);
  EXPECT_EQ(saved.keys.size(), 3U + 12 + 1);
  EXPECT_EQ(file.tensors().size(), saved.keys.size());
  EXPECT_FALSE(saved.effect);

  RunRequest run_request;
  run_request.sequences = {built_in().read(test::kPenguins).ids};
  run_request.captures = {{{Hook::pattern, 5}, {}, {}}, {{Hook::resid_post, 3}, {}, {}}};
  const auto run = built_in().model().run(run_request);
  EXPECT_EQ(test::ids_of(file.at("input_ids")), run_request.sequences[0]);
  EXPECT_TRUE(holds_bits(file.at("hidden_states"), run.hidden_states));
  EXPECT_TRUE(holds_bits(file.at("logits"), run.logits));
  EXPECT_TRUE(holds_bits(file.at("blocks.5.attn.hook_pattern"), run.value({Hook::pattern, 5})));
  EXPECT_TRUE(holds_bits(file.at("blocks.3.hook_resid_post"), run.value({Hook::resid_post, 3})));
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
  const SavedRun saved = stratoscope::run(built_in(), request);
  const SafetensorsFile all(*request.file);
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
    stratoscope::run(built_in(), one);
    const SafetensorsFile single(*one.file);
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
  EXPECT_EQ(scores.shape[2], static_cast<std::size_t>(std::max(offsets[1] - offsets[0], offsets[3] - offsets[2])));
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
  const SavedRun saved = stratoscope::run(built_in(Precision::fp64), request);
  ASSERT_TRUE(saved.effect);
  EXPECT_GT(saved.effect->kl, 0);
  const auto arrays = testing::every_array(*request.file);
  const StoredArray& mlp_out = arrays.at("blocks.0.hook_mlp_out");
  EXPECT_EQ(mlp_out.dtype, DType::f64);
  for (const std::byte byte : mlp_out.bytes) ASSERT_EQ(byte, std::byte{0});
  EXPECT_EQ(arrays.at("hidden_states").shape, (Shape{13, saved.tokens, 192}));
}

TEST(SaveRun, RefusalsComeBeforeTheWorkAndLeaveNoFile) {
  const TemporaryFolder folder;
  SaveRunRequest request;
  request.texts = {"A wise man"};
  request.file = folder / "run.txt";
  EXPECT_TRUE(refuses([&] { stratoscope::run(built_in(), request); }, "run.txt"));
  request.file = folder / "run.npz";
  request.captures = {"blocks.0.hook_nothing"};
  EXPECT_TRUE(refuses([&] { stratoscope::run(built_in(), request); }, "there is no 'blocks.0.hook_nothing'"));
  request.captures = {};
  EXPECT_TRUE(refuses([] { EditExpression("blocks.0.hook_mlp_out *= "); }, "a value is expected here"));
  request.texts = {"", ""};
  request.packed = true;
  EXPECT_TRUE(refuses([&] { stratoscope::run(built_in(), request); }, "the texts are all empty"));
  request.texts = {};
  EXPECT_TRUE(refuses([&] { stratoscope::run(built_in(), request); }, "the list of texts is empty"));
  request.texts = {"A"};
  request.file = folder / "none/run.npz";
  EXPECT_TRUE(refuses([&] { stratoscope::run(built_in(), request); }, "none/run.npz"));
  EXPECT_EQ(folder.entry_count(), 0U);
}

// Parts of a pass, each continuing the one before: the bits are those of the whole.
class Parts : public ::testing::TestWithParam<std::tuple<const char*, std::size_t>> {};

TEST_P(Parts, HaveTheBitsOfTheWhole) {
  const auto [ending, block] = GetParam();
  const TemporaryFolder folder;
  const std::vector<EditExpression> edits = {"blocks.2.hook_mlp_out[-1] *= 3", "blocks.8.hook_resid_pre[0] *= 0.5"};
  const auto first_after = block <= 2 ? edits.begin() : block <= 8 ? edits.begin() + 1 : edits.end();
  SaveRunRequest request;
  request.texts = {test::kPenguins, "Yes", "As Gregor Samsa awoke one morning from uneasy dreams"};
  request.packed = true;
  request.edits.expressions = edits;
  request.captures = {"blocks.*.hook_mlp_out"};
  request.file = folder / "whole.safetensors";
  stratoscope::run(built_in(), request);

  SaveRunRequest first = request;
  first.stop_at = static_cast<long>(block);
  first.edits.expressions = {edits.begin(), first_after};
  if (block == 0) first.captures = {};
  first.file = folder / ("first" + std::string(ending));
  stratoscope::run(built_in(), first);
  SaveRunRequest second = request;
  second.texts.clear();
  second.packed = false;
  second.start_at = first.stop_at;
  second.from = first.file;
  second.edits.expressions = {first_after, edits.end()};
  if (block == 12) second.captures = {};
  second.file = folder / "second.safetensors";
  stratoscope::run(built_in(), second);

  const SafetensorsFile whole(*request.file), part(*second.file);
  EXPECT_EQ(test::ids_of(part.at("input_ids")), test::ids_of(whole.at("input_ids")));
  EXPECT_EQ(test::ids_of(part.at("row_offsets")), test::ids_of(whole.at("row_offsets")));
  EXPECT_EQ(test::ids_of(part.at("block_range")), (std::vector<std::int32_t>{static_cast<std::int32_t>(block), 12}));
  const auto same = [&](const std::string& name) {
    const auto a = part.at(name).bytes, b = whole.at(name).bytes;
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  };
  EXPECT_TRUE(same("logits"));
  const auto states = part.at("hidden_states").bytes, all = whole.at("hidden_states").bytes;
  EXPECT_EQ(part.at("hidden_states").shape[0], 13U - block);
  EXPECT_TRUE(std::equal(states.begin(), states.end(), all.end() - static_cast<std::ptrdiff_t>(states.size())));
  for (const auto& [name, tensor] : part.tensors())
    if (name.starts_with("blocks.")) {
      EXPECT_TRUE(same(name)) << name;
    }
}

INSTANTIATE_TEST_SUITE_P(SaveRun, Parts,
                         ::testing::Combine(::testing::Values(".safetensors", ".npz"),
                                            ::testing::Values<std::size_t>(0, 1, 6, 9, 11, 12)));

TEST(SaveRun, WhatAPartHolds) {
  const TemporaryFolder folder;
  SaveRunRequest request;
  request.texts = {"A wise man"};
  request.captures = {"*"};
  request.stop_at = 2;
  request.file = folder / "a.safetensors";
  stratoscope::run(built_in(), request);
  const SafetensorsFile file(*request.file);
  EXPECT_EQ(file.at("hidden_states").shape[0], 3U);
  EXPECT_FALSE(file.contains("logits"));
  EXPECT_TRUE(file.contains("blocks.1.hook_resid_post"));
  EXPECT_FALSE(file.contains("blocks.2.hook_resid_pre"));
  EXPECT_TRUE(file.contains("hook_embed"));
  const auto residual = file.at("residual").bytes, states = file.at("hidden_states").bytes;
  EXPECT_TRUE(
      std::equal(residual.begin(), residual.end(), states.end() - static_cast<std::ptrdiff_t>(residual.size())));

  // After all blocks there is no hidden state before the final norm, only the residual.
  request.stop_at = 12;
  request.captures = {"resid_post.11"};
  stratoscope::run(built_in(), request);
  const SafetensorsFile all(*request.file);
  EXPECT_EQ(all.at("hidden_states").shape[0], 12U);
  const auto last = all.at("blocks.11.hook_resid_post").bytes, left = all.at("residual").bytes;
  EXPECT_TRUE(std::equal(left.begin(), left.end(), last.begin(), last.end()));
}

TEST(SaveRun, AStoppedRunStillKnowsItsEffect) {
  const TemporaryFolder folder;
  SaveRunRequest request;
  request.texts = {test::kPenguins};
  request.edits.expressions = {"blocks.2.hook_resid_post[3] *= 2"};
  request.file = folder / "a.npz";
  const auto whole = stratoscope::run(built_in(), request).effect;
  request.stop_at = 5;
  const auto part = stratoscope::run(built_in(), request).effect;
  ASSERT_TRUE(whole && part);
  EXPECT_GT(whole->kl, 0);
  EXPECT_EQ(part->kl, whole->kl);
  EXPECT_EQ(part->max_change, whole->max_change);
}

TEST(SaveRun, PartsThatAreNone) {
  const TemporaryFolder folder;
  SaveRunRequest request;
  request.texts = {"A wise man"};
  request.file = folder / "whole.safetensors";
  stratoscope::run(built_in(), request);
  const std::filesystem::path whole = *request.file;
  const auto refused = [&](const auto& change, const char* says) {
    SaveRunRequest other = request;
    other.file = folder / "b.npz";
    change(other);
    return refuses([&] { stratoscope::run(built_in(), other); }, says);
  };
  const auto from = [&](SaveRunRequest& r, long block, const std::filesystem::path& path) {
    r.texts.clear();
    r.start_at = block;
    r.from = path;
  };
  EXPECT_TRUE(refused([](auto& r) { r.stop_at = 13; }, "0 to 11, or -12 to -1"));
  EXPECT_TRUE(refused([](auto& r) { r.stop_at = 3, r.captures = {"resid_pre.3"}; }, "stops at block 3"));
  EXPECT_TRUE(refused([](auto& r) { r.stop_at = 3, r.captures = {"blocks.[4..6].attn.hook_z"}; }, "stops at block 3"));
  EXPECT_TRUE(refused([](auto& r) { r.stop_at = 3, r.edits.expressions = {"resid_post.3 *= 2"}; }, "stops at block 3"));
  EXPECT_TRUE(refused([](auto& r) { r.start_at = 3; }, "belong together"));
  EXPECT_TRUE(refused([&](auto& r) { r.from = whole; }, "belong together"));
  EXPECT_TRUE(refused([&](auto& r) { r.start_at = 3, r.from = whole; }, "its own tokens"));
  EXPECT_TRUE(refused([&](auto& r) { from(r, 12, whole); }, "after the final norm"));
  EXPECT_TRUE(refused([&](auto& r) { from(r, 4, whole), r.stop_at = 4; }, "no block runs"));
  EXPECT_TRUE(
      refused([&](auto& r) { from(r, 4, whole), r.edits.expressions = {"resid_pre.3 *= 2"}; }, "starts at block 4"));
  EXPECT_TRUE(refused([&](auto& r) { from(r, 4, folder / "none.npz"); }, "none.npz"));
  EXPECT_TRUE(refused([&](auto& r) { from(r, 4, folder.file("a.txt", "x")); }, ".safetensors or .npz"));

  const auto arrays = [&](std::vector<std::int64_t> ids, const Shape& shape, float number) {
    const std::vector<float> states(element_count(shape), number);
    const std::vector<ArrayView> views = {array_view("input_ids", std::span<const std::int64_t>(ids), {ids.size()}),
                                          array_view("hidden_states", std::span<const float>(states), shape)};
    save_arrays(folder / "own.npz", views);
    return folder / "own.npz";
  };
  EXPECT_TRUE(refused([&](auto& r) { from(r, 0, arrays({1, 2}, {13, 3, 192}, 1)); }, "expected [2, 192]"));
  EXPECT_TRUE(refused([&](auto& r) { from(r, 0, arrays({1, 2}, {13, 2, 64}, 1)); }, "expected [2, 192]"));
  EXPECT_TRUE(refused([&](auto& r) { from(r, 0, arrays({1, 2}, {7, 2, 192}, 1)); }, "the model has 13"));
  EXPECT_TRUE(refused([&](auto& r) { from(r, 0, arrays({1, 9999}, {13, 2, 192}, 1)); }, "9999"));
  EXPECT_TRUE(refused([&](auto& r) { from(r, 0, arrays({}, {13, 0, 192}, 1)); }, "no token"));
  EXPECT_TRUE(refused([&](auto& r) { from(r, 0, arrays({1, 2}, {13, 2, 192}, NAN)); }, "NaN or infinity in row 0"));
  EXPECT_EQ(folder.entry_count(), 3U);
}

TEST(SaveRun, AnEditThatMakesNaNIsNamed) {
  const TemporaryFolder folder;
  SaveRunRequest request;
  request.texts = {test::kPenguins, "A wise man"};
  request.packed = true;
  request.edits.expressions = {"blocks.3.ln2.hook_scale[2] = 0"};
  request.file = folder / "a.npz";
  const auto effect = stratoscope::run(built_in(), request).effect;
  ASSERT_TRUE(effect && effect->nonfinite);
  EXPECT_EQ(*effect->nonfinite, (NonfinitePlace{{Hook::ln2_normalized, 3}, 0, 2}));
  EXPECT_EQ(effect_warning(*effect, built_in().config(), request.edits.expressions, 2),
            "an edit made numbers that are not finite, first at blocks.3.ln2.hook_normalized, text 1, position 2");
}

TEST(TextLines, LinesOfJson) {
  const TemporaryFolder folder;
  const auto read = [](const std::filesystem::path& path) {
    TextLines lines(path);
    std::vector<std::string> texts;
    while (auto text = lines.next()) texts.push_back(*text + "@" + lines.place().substr(lines.place().rfind(' ') + 1));
    return texts;
  };
  const auto texts = [&](std::string_view content) { return read(folder.file("t.jsonl", content)); };
  EXPECT_EQ(texts("{\"text\": \"a\\nb\"}\r\n\n  \n{\"id\": 3, \"text\": \"\"}"),
            (std::vector<std::string>{"a\nb@1", "@4"}));
  EXPECT_EQ(texts(""), std::vector<std::string>{});
  EXPECT_EQ(texts("\n \n"), std::vector<std::string>{});
  EXPECT_TRUE(refuses([&] { texts("{\"text\": \"a\"}\n{\"text\": 3}\n"); }, "line 2: has no field \"text\""));
  EXPECT_TRUE(refuses([&] { texts("\n[]\n"); }, "line 2: has no field"));
  EXPECT_TRUE(refuses([&] { texts("{\"text\": \"a\"\n"); }, "line 1: is not JSON"));
  EXPECT_TRUE(refuses([&] { read(folder / "none.jsonl"); }, "none.jsonl: cannot be read"));
  EXPECT_TRUE(refuses([&] { read(folder.path()); }, "cannot be read"));
}

TEST(TextLines, EmptyLinesBetweenTextsMayBeTexts) {
  const TemporaryFolder folder;
  const auto texts = [&](std::string_view content) {
    TextLines lines(folder.file("t.jsonl", content), nullptr, {.empty_lines = true});
    std::vector<std::string> read;
    while (auto text = lines.next()) read.push_back(*std::move(text));
    return read;
  };
  const std::string a = "{\"text\": \"a\"}\n";
  using Texts = std::vector<std::string>;
  EXPECT_EQ(texts(a + "\n \r\n" + a + "\n\n"), (Texts{"a", "", "", "a"}));
  EXPECT_EQ(texts("\xEF\xBB\xBF\n" + a), (Texts{"", "a"}));
  EXPECT_EQ(texts("\n" + a + "\n" + a), (Texts{"", "a", "", "a"}));
  EXPECT_EQ(texts("\n\n"), Texts{});
}

TEST(TextLines, WhatIsNoCharacterMayBeReplaced) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& text, bool replace) {
    TextLines lines(folder.file("t.jsonl", "{\"text\": \"" + text + "\"}"), nullptr, {.replace_invalid = replace});
    const auto first = lines.next();
    return *first + "@" + std::to_string(lines.replaced()) + "," + std::to_string(lines.repaired_lines());
  };
  const std::tuple<const char*, const char*, const char*> bad[] = {
      {"\\ud83d", "\uFFFD@1,1", "half of a surrogate pair, \\ud83d, at its byte 11"},
      {"a\\uDE00\\ude00b", "a\uFFFD\uFFFDb@2,1", "half of a surrogate pair, \\uDE00, at its byte 12"},
      {"\\ud83d\\ud83d\\ude00", "\uFFFD\U0001F600@1,1", "half of a surrogate pair, \\ud83d, at its byte 11"},
      {"\xFF", "\uFFFD@1,1", "is not UTF-8 at its byte 11"},
      {"\uFFFD\xC3(", "\uFFFD\uFFFD(@1,1", "is not UTF-8 at its byte 14"},
      {"\xED\xA0\x80\\udc00", "\uFFFD\uFFFD\uFFFD\uFFFD@4,1", "is not UTF-8 at its byte 11"},
  };
  for (const auto& [text, replaced, problem] : bad) {
    EXPECT_EQ(read(text, true), replaced) << text;
    EXPECT_TRUE(refuses([&, &content = text] { read(content, false); }, problem)) << text;
  }
  for (const auto& [text, same] :
       {std::pair("\\ud83d\\ude00", "\U0001F600@0,0"), {"\\\\ud83d", "\\ud83d@0,0"}, {"\\u0041", "A@0,0"}})
    for (const bool replace : {false, true}) EXPECT_EQ(read(text, replace), same) << text;
}

// Lines that end at, before and after the borders of the pieces in which a file is read.
TEST(TextLines, OfAnyLength) {
  const TemporaryFolder folder;
  std::string content;
  std::vector<std::string> expected;
  for (const std::size_t length : {1U, 262'130U, 262'131U, 262'132U, 300'000U, 3U, 1'000'000U, 0U}) {
    expected.emplace_back(length, 'x');
    content += R"({"text":")" + expected.back() + "\"}\n";
  }
  TextLines lines(folder.file("t.jsonl", content));
  for (const std::string& text : expected) EXPECT_EQ(lines.next(), text);
  EXPECT_EQ(lines.next(), std::nullopt);
}

TEST(TextLines, ALineWithoutEnd) {
  const TemporaryFolder folder;
  const auto path = folder.file("t.jsonl", "{\"text\": \"a\"}\n" + std::string(TextLines::kLongestLine + 1000, ' '));
  TextLines lines(path);
  EXPECT_EQ(lines.next(), "a");
  EXPECT_TRUE(refuses([&] { lines.next(); }, "line 2 is longer than 64 MiB"));
}

TEST(TokenSpool, GivesBackWhatCameInWhereverItWasKept) {
  const TemporaryFolder folder;
  for (const std::size_t in_memory : {0U, 1U, 7U, 1000U, 1'000'000U}) {
    TokenSpool spool(folder.path(), in_memory);
    std::vector<TokenIds> texts;
    for (std::int32_t i = 0; i < 300; ++i) {
      TokenIds ids;
      for (std::int32_t k = 0; k < (i * 37) % 512 + (i == 0 ? 0 : 1); ++k) ids.push_back(i * 1000 + k);
      spool.append(ids);
      texts.push_back(ids);
    }
    EXPECT_EQ(folder.entry_count(), 0U) << "the file has no name";
    spool.rewind();
    TokenIds ids;
    for (const TokenIds& text : texts) {
      ASSERT_TRUE(spool.next(ids));
      ASSERT_EQ(ids, text);
    }
    EXPECT_FALSE(spool.next(ids));
  }
}

}  // namespace
}  // namespace stratoscope
