// Edits from their text to their effect: against PyTorch, against the formulas, and against their stated reach.
#include "stratoscope/probe/edits.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stratoscope/files/npy.h"
#include "stratoscope/model/kv_cache.h"
#include "tests/support/errors.h"
#include "tests/support/oracle.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using test::everything_of;
using test::refuses;
using EngineRun = Run<float>;

std::vector<HookEdit> resolved(const Model& model, const std::vector<std::string>& texts, const TokenIds& ids,
                               const TokenIds& corrupt = {}) {
  std::vector<EditExpression> expressions;
  expressions.reserve(texts.size());
  for (const std::string& text : texts) expressions.push_back(parse_edit(text));
  EditSources sources(model, ids, corrupt);
  sources.prepare(expressions);
  std::vector<HookEdit> edits;
  for (const EditExpression& expression : expressions)
    for (HookEdit& edit : resolve_edit(expression, sources)) edits.push_back(std::move(edit));
  return edits;
}

// ---- against PyTorch

template <class T>
void expect_near(const SafetensorsFile& file, const std::string& name, const BasicTensor<T>& actual, double limit) {
  const StoredTensor& stored = file.at(name);
  const auto expected = test::values_of(stored);
  const auto error = test::largest_row_error(actual.values(), std::span<const double>(expected), stored.shape.back());
  EXPECT_LE(error.relative, limit) << name << " at " << error.where();
}

TEST(EditsAgainstPyTorch, EngineAndReference) {
  bool tried = false;
  for (const auto& which : test::oracle_cases()) {
    if (!which.edits) continue;
    tried = true;
    const Model engine = Model::load(which.model), reference = Model::load(which.model, {Precision::fp64, 0, nullptr});
    const SafetensorsFile expected(which.folder / "expected_edits.safetensors");
    const auto clean_errors = which.pytorch_errors();
    std::size_t number = 0;
    for (const auto& entry : nlohmann::json::parse(read_text_file(which.folder / "edits.json"))) {
      SCOPED_TRACE(which.name + ": " + entry["edits"].dump());
      const TokenIds corrupt = entry.value("corrupt_ids", TokenIds{});
      const auto limit = [&](const char* key) {
        // Where rows are narrow, one edited run of PyTorch is luck as one clean run is.
        const double pytorch = std::max(entry["pytorch_error"][key].get<double>(), clean_errors.at(key));
        return std::min(2e-5, std::max(5e-7, 2 * pytorch));
      };
      RunRequest request;
      request.sequences = {which.ids()};
      request.edits = resolved(engine, entry["edits"], which.ids(), corrupt);
      const auto run = engine.run(request);
      expect_near(expected, entry["expected"], run.logits, limit("logits"));
      expect_near(expected, entry["hidden_states"], run.hidden_states, limit("hidden_states"));
      // The plain path takes long, and is the same for every width.
      if (which.name == "wider" || (test::kWatched && number++ % 8 > 0)) continue;
      request.edits = resolved(reference, entry["edits"], which.ids(), corrupt);
      const auto proof = reference.run_reference(request);
      expect_near(expected, entry["expected"], proof.logits, 1e-6);
      expect_near(expected, entry["hidden_states"], proof.hidden_states, 1e-6);
    }
  }
  if (!tried) GTEST_SKIP() << test::kNoOracle;
}

// ---- on a small random model

constexpr std::size_t kPositions = 9, kWidth = 24;

class Edits : public ::testing::Test {
 protected:
  const test::TestModelFolder folder_;
  const Model model_ = Model::load(folder_.path());
  test::Random random_{3};
  const TokenIds ids_ = test::random_ids(random_, kPositions, 67), corrupt_ = test::random_ids(random_, kPositions, 67);
  const EngineRun clean_ = model_.run(everything_of(model_.config(), {ids_}));
  const EngineRun corrupted_ = model_.run(everything_of(model_.config(), {corrupt_}));

  EngineRun edited(const std::vector<std::string>& texts) const {
    auto request = everything_of(model_.config(), {ids_});
    request.edits = resolved(model_, texts, ids_, corrupt_);
    return model_.run(request);
  }
  std::string vector_file(const std::vector<float>& values, const Shape& shape, const char* name = "v.npy") const {
    write_npy(folder_ / name, array_view("v", std::span<const float>(values), shape));
    return (folder_ / name).string();
  }
  auto refusal(const std::string& text, const TokenIds& corrupt = {}) const {
    return [this, text, corrupt] { resolved(model_, {text}, ids_, corrupt); };
  }
  // Compares the value at `point` of block 1 after the edit `text` with `expected(clean, row, dim)`.
  template <class Expected>
  void expect_value(const std::string& text, Hook hook, const Expected& expected, double tolerance = 0) const {
    const auto run = edited({text});
    const Tensor &value = run.value({hook, 1}), &clean = clean_.value({hook, 1});
    for (std::size_t row = 0; row < kPositions; ++row)
      for (std::size_t dim = 0; dim < kWidth; ++dim) {
        const float before = clean.matrix().row(row)[dim];
        ASSERT_NEAR(value.matrix().row(row)[dim], expected(before, row, dim), tolerance)
            << text << " at row " << row << ", dimension " << dim;
      }
  }
};

TEST_F(Edits, OperationsAndSelectors) {
  const Hook mid = Hook::resid_mid;
  const std::string name = "blocks.1.hook_resid_mid";
  expect_value(name + " *= 0.8", mid, [](float x, auto, auto) { return x * 0.8F; });
  expect_value(name + " += -1.5", mid, [](float x, auto, auto) { return x - 1.5F; });
  expect_value(name + " = 0.25", mid, [](float, auto, auto) { return 0.25F; });
  expect_value(name + "[2:4,-1] = zero", mid,
               [](float x, std::size_t row, auto) { return row == 2 || row == 3 || row == 8 ? 0 : x; });
  expect_value(name + "[0,0,0] *= 2", mid, [](float x, std::size_t row, auto) { return row == 0 ? 2 * x : x; });
  expect_value(name + ".dim[0,5..6,-1][3] += 1", mid, [](float x, std::size_t row, std::size_t dim) {
    return row == 3 && (dim == 0 || dim == 5 || dim == 6 || dim == kWidth - 1) ? x + 1 : x;
  });
}

TEST_F(Edits, VectorsFromFiles) {
  const auto v = random_.units(kWidth);
  const std::string npy = vector_file(v, {kWidth}), row = vector_file(v, {1, kWidth}, "row.npy");
  write_safetensors(folder_ / "v.safetensors",
                    std::vector<ArrayView>{array_view("x:y", std::span<const float>(v), {kWidth})});
  const Hook post = Hook::resid_post;
  const std::string name = "transformer.h.1";
  expect_value(name + " += " + npy, post, [&](float x, auto, std::size_t d) { return x + v[d]; });
  expect_value(name + "[4] = " + row, post, [&](float x, std::size_t r, std::size_t d) { return r == 4 ? v[d] : x; });
  expect_value(name + " += -2 * " + (folder_ / "v.safetensors:x:y").string(), post,
               [&](float x, auto, std::size_t d) { return x + static_cast<float>(-2 * static_cast<double>(v[d])); });
  expect_value(name + " *= " + npy, post, [&](float x, auto, std::size_t d) { return x * v[d]; });
  expect_value(name + ".dim[3] += " + npy, post, [&](float x, auto, std::size_t d) { return d == 3 ? x + v[d] : x; });
}

TEST_F(Edits, WithoutLeavesNothingAlongTheDirection) {
  const auto v = random_.units(kWidth);
  for (const std::string& direction : {vector_file(v, {kWidth}), "-7 * " + vector_file(v, {kWidth})}) {
    const auto run = edited({"blocks.0.hook_resid_post[1:] without " + direction});
    const Tensor &value = run.value({Hook::resid_post, 0}), &clean = clean_.value({Hook::resid_post, 0});
    for (std::size_t row = 0; row < kPositions; ++row) {
      double along = 0, before = 0, across = 0;
      double square = 0;
      for (const float x : v) square += static_cast<double>(x) * static_cast<double>(x);
      for (std::size_t d = 0; d < kWidth; ++d) {
        along += static_cast<double>(value.matrix().row(row)[d]) * static_cast<double>(v[d]);
        before += static_cast<double>(clean.matrix().row(row)[d]) * static_cast<double>(v[d]);
      }
      for (std::size_t d = 0; d < kWidth; ++d) {
        const double rest =
            static_cast<double>(clean.matrix().row(row)[d]) - before / square * static_cast<double>(v[d]);
        across = std::max(across, std::abs(rest - static_cast<double>(value.matrix().row(row)[d])));
      }
      EXPECT_NEAR(along, row == 0 ? before : 0, 1e-5);
      if (row > 0) {
        EXPECT_LE(across, 1e-6);
      }
    }
  }
}

TEST_F(Edits, MeanIsThatOfTheCleanRun) {
  const Tensor& clean = clean_.value({Hook::attn_out, 1});
  std::vector<double> mean(kWidth);
  for (std::size_t d = 0; d < kWidth; ++d)
    for (std::size_t r = 0; r < kPositions; ++r) mean[d] += static_cast<double>(clean.matrix().row(r)[d]) / kPositions;
  const Hook attn = Hook::attn_out;
  const std::string name = "blocks.1.hook_attn_out";
  expect_value(
      name + " = mean", attn, [&](float, auto, std::size_t d) { return static_cast<float>(mean[d]); }, 1e-6);
  // The mean is over all positions of the clean run, whatever is edited and whatever came before.
  const auto run = edited({"blocks.0.hook_resid_post *= 3", name + "[2] = mean"});
  for (std::size_t d = 0; d < kWidth; ++d) EXPECT_NEAR(run.value({attn, 1}).matrix().row(2)[d], mean[d], 1e-6);
}

TEST_F(Edits, CorruptTakesTheSamePositionOrTheNamedOne) {
  const Tensor& other = corrupted_.value({Hook::attn_out, 1});
  const std::string name = "blocks.1.hook_attn_out";
  expect_value(name + "[0,3] = corrupt", Hook::attn_out,
               [&](float x, std::size_t r, std::size_t d) { return r == 0 || r == 3 ? other.matrix().row(r)[d] : x; });
  expect_value(name + "[3:5] = corrupt[-2]", Hook::attn_out, [&](float x, std::size_t r, std::size_t d) {
    return r == 3 || r == 4 ? other.matrix().row(kPositions - 2)[d] : x;
  });
  // Patching every position of the input of block 0 gives the other text's run.
  const auto patched = edited({"blocks.0.hook_resid_pre = corrupt"});
  EXPECT_TRUE(test::same_bits(patched.logits, corrupted_.logits));
}

TEST_F(Edits, ActInTheOrderGiven) {
  const std::string name = "blocks.1.hook_mlp_out";
  const auto first_scaled = edited({name + " *= 2", name + " += 1"}),
             first_moved = edited({name + " += 1", name + " *= 2"});
  const Tensor& clean = clean_.value({Hook::mlp_out, 1});
  for (std::size_t i = 0; i < clean.size(); ++i) {
    ASSERT_EQ(first_scaled.value({Hook::mlp_out, 1}).data()[i], clean.data()[i] * 2 + 1);
    ASSERT_EQ(first_moved.value({Hook::mlp_out, 1}).data()[i], (clean.data()[i] + 1) * 2);
  }
}

TEST_F(Edits, OfOneSequenceLeaveTheOthersAlone) {
  auto request = everything_of(model_.config(), {corrupt_, ids_, ids_});
  EditSources sources(model_, ids_, {});
  request.edits = resolve_edit(parse_edit("blocks.*.hook_mlp_out[2:] *= 0.3"), sources, 1);
  EXPECT_EQ(request.edits.size(), 2U);
  const auto run = model_.run(request);
  test::expect_sequence_has_bits_of(run, 0, corrupted_);
  test::expect_sequence_has_bits_of(run, 2, clean_);
  test::expect_sequence_has_bits_of(run, 1, edited({"blocks.*.hook_mlp_out[2:] *= 0.3"}));
}

// Numbers that are random or chosen by value depend on neither the batch, nor threads, nor earlier rows in a cache.
TEST_F(Edits, ChosenAndRandomNumbersDependOnTheirRowAlone) {
  const std::string text = "blocks.*.attn.hook_z[2:].random[30%, 2] += noise(0.5, 4) + 0.1 * mean(dim)";
  const auto alone = edited({text, "blocks.1.hook_mlp_out.top[20%] = median(dim)"});
  const auto edits_of = [&](const Model& model, std::size_t sequence) {
    EditSources sources(model, ids_, {});
    std::vector<HookEdit> edits;
    for (const char* each : {text.c_str(), "blocks.1.hook_mlp_out.top[20%] = median(dim)"})
      for (HookEdit& edit : resolve_edit(parse_edit(each), sources, sequence)) edits.push_back(std::move(edit));
    return edits;
  };
  for (const int threads : {1, 2, 7}) {
    const Model model = Model::load(folder_.path(), {Precision::fp32, threads, nullptr});
    auto request = everything_of(model.config(), {corrupt_, ids_, ids_});
    request.edits = edits_of(model, 1);
    const auto run = model.run(request);
    test::expect_sequence_has_bits_of(run, 1, alone);
    test::expect_sequence_has_bits_of(run, 2, clean_);
  }
  EXPECT_GT(test::largest_row_error(alone.logits.values(), clean_.logits.values(), 67).relative, 1e-4);
  KvCache cache(model_.config(), 1, kPositions);
  for (const auto& [first, end] : {std::pair(0, 4), std::pair(4, 9)}) {
    RunRequest part;
    part.sequences = {TokenIds(ids_.begin() + first, ids_.begin() + end)};
    part.cache = &cache;
    part.edits = edits_of(model_, 0);
    const auto run = model_.run(part);
    const std::size_t width = run.logits.shape()[1];
    EXPECT_TRUE(test::same_bits(run.logits.values(), alone.logits.values().subspan(
                                                         static_cast<std::size_t>(first) * width, run.logits.size())));
  }
}

TEST_F(Edits, Refusals) {
  const std::string mid = "blocks.1.hook_resid_mid";
  EXPECT_TRUE(refuses(refusal("blocks.2.hook_resid_mid *= 2"), "block 2 is out of range; blocks are 0 to 1"));
  EXPECT_TRUE(refuses(refusal("blocks.1.attn.hook_pattern = mean"), "blocks.1.attn.hook_pattern takes no mean"));
  EXPECT_TRUE(refuses(refusal("blocks.1.attn.hook_attn_scores without mean"), "takes no mean"));
  EXPECT_TRUE(refuses(refusal("blocks.1.attn.hook_pattern.dim[0] = 0"), "no axis for the selector .dim[…]"));
  EXPECT_TRUE(refuses(refusal("blocks.1.attn.hook_z.key[0] = 0"), "no axis for the selector .key[…]"));
  EXPECT_TRUE(refuses(refusal("blocks.1.attn.hook_z.head[3] = 0"), "head: 3 is out of range"));
  EXPECT_TRUE(refuses(refusal("blocks.1.attn.hook_pattern.key[9] = 0"), "key position: 9 is out of range"));
  EXPECT_TRUE(refuses(refusal("L1H0.head[1] = 0"), "'L1H0' names heads, and .head[…] others"));
  EXPECT_TRUE(refuses(refusal("blocks.1.attn.hook_pattern[1] = corrupt[1]", {1, 2}), "need the same number"));
  EXPECT_TRUE(refuses(refusal(mid + ".head[0] *= 2"), mid + " has no axis for the selector .head"));
  EXPECT_TRUE(refuses(refusal(mid + ".key[0] *= 2"), "has no axis for the selector .key"));
  EXPECT_TRUE(refuses(refusal(mid + "[9] *= 2"), "position: 9 is out of range; positions are 0 to 8"));
  EXPECT_TRUE(refuses(refusal(mid + ".dim[24] *= 2"), "24 is out of range"));
  EXPECT_TRUE(refuses(refusal(mid + "[] *= 2"), "empty"));
  EXPECT_TRUE(refuses(refusal(mid + " = corrupt"), "the value 'corrupt' needs a text"));
  EXPECT_TRUE(refuses(refusal(mid + " = corrupt", {1, 2}), "9 tokens"));
  EXPECT_TRUE(refuses(refusal(mid + " = clean + 0.5 * corrupt", {1, 2}), "9 tokens"));
  EXPECT_TRUE(refuses(refusal(mid + " = clean[9]"), "position: 9 is out of range"));
  EXPECT_TRUE(refuses(refusal(mid + "[\"king\"] = 0"), "selects by text without a tokenizer"));
  EXPECT_TRUE(refuses(refusal(mid + ".top[25] = 0"), "25 numbers are to be chosen from 24"));
  EXPECT_TRUE(refuses(refusal(mid + " = corrupt[2]", {1, 2}), "position: 2 is out of range"));
  EXPECT_TRUE(refuses(refusal(mid + " += " + (folder_ / "none.npy").string()), "none.npy"));
  EXPECT_TRUE(refuses(refusal(mid + " += " + vector_file(std::vector<float>(23), {23})),
                      "the vector has shape [23], but " + mid + " needs [24]"));
  EXPECT_TRUE(refuses(refusal(mid + " += " + vector_file(std::vector<float>(24), {4, 6})), "shape [4, 6]"));
  EXPECT_TRUE(refuses(refusal(mid + " += " + (folder_ / "model.safetensors:none").string()), "none"));
  EXPECT_TRUE(
      refuses(refusal(mid + " without " + vector_file(std::vector<float>(24), {24})), "is zero and has no direction"));
  EXPECT_TRUE(refuses(refusal(mid + " += " + vector_file(std::vector<float>(24, std::nanf("")), {24})),
                      "holds NaN or infinity"));
}

}  // namespace
}  // namespace stratoscope
