// GPT-2 keeps every bit: hashes of all that a model computes, as frozen/gpt2.json has them for each instruction set.
//
// After a deliberate change of bits (docs/decisions.md lists them), STRATOSCOPE_FREEZE=1 writes them again.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "stratoscope/model/cone/cone_runs.h"
#include "stratoscope/model/kv_cache.h"
#include "stratoscope/model/make_edit.h"
#include "stratoscope/model/model.h"
#include "stratoscope/ops/instruction_set.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using Hashes = std::map<std::string, std::string>;

// FNV-1a, 64 bits (Fowler, Noll, Vo).
class BitsHash {
 public:
  template <class T>
  void add(std::span<const T> values) {
    for (const std::byte byte : std::as_bytes(values)) {
      state_ ^= static_cast<std::uint64_t>(byte);
      state_ *= 0x100000001B3ULL;
    }
  }
  template <class T>
  void add(const BasicTensor<T>& tensor) {
    for (const std::size_t length : tensor.shape()) add(std::span<const std::size_t>(&length, 1));
    add(std::span<const T>(tensor.values()));
  }
  std::string hex() const {
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[(state_ >> shift) & 15];
    return text;
  }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325ULL;
};

template <class T>
std::string hash_of(const BasicTensor<T>& tensor) {
  BitsHash hash;
  hash.add(tensor);
  return hash.hex();
}

struct FrozenModel {
  std::string name;
  std::filesystem::path folder;
  std::vector<TokenIds> texts;  // the first is the one that is edited, continued and cut into parts
};

std::vector<TokenIds> texts_of(std::initializer_list<std::size_t> lengths, std::size_t vocabulary, std::uint64_t seed) {
  test::Random random(seed);
  std::vector<TokenIds> texts;
  for (const std::size_t length : lengths) texts.push_back(test::random_ids(random, length, vocabulary));
  return texts;
}

// One hash for each hook point of a block, over all blocks; one for the hidden states, and one for the logits.
template <class T>
void add_run(const std::string& prefix, const Run<T>& run, Hashes& hashes) {
  std::map<std::string, BitsHash> values;
  for (const auto& [point, value] : run.captured) values[std::string(info_of(point.hook).name)].add(value);
  for (const auto& [name, hash] : values) hashes[prefix + name] = hash.hex();
  if (!run.hidden_states.empty()) hashes[prefix + "hidden_states"] = hash_of(run.hidden_states);
  if (!run.logits.empty()) hashes[prefix + "logits"] = hash_of(run.logits);
  if (!run.residual.empty()) hashes[prefix + "residual"] = hash_of(run.residual);
}

// Changes every number of the positions that it is given, each a little differently.
std::shared_ptr<const Edit> bend() {
  return make_edit([](const auto& value) {
    for (std::size_t i = 0; i < value.shape[0]; ++i)
      for (std::size_t j = 0; j < value.shape[1]; ++j)
        for (std::size_t k = 0; k < value.shape[2]; ++k)
          value(i, j, k) = value(i, j, k) * static_cast<float>(0.5) + static_cast<float>(k % 3) * 0.25F;
  });
}

// An edit of each hook point: one that acts on all positions, whatever the point's axes are.
std::vector<HookEdit> edits_of_all(const ModelConfig& config, std::size_t layer) {
  std::vector<HookEdit> edits;
  for (const HookInfo& info : hook_table())
    if (exists({info.hook, 0}, config) && !test::is_output_of_norm(info.hook))
      edits.push_back({{info.hook, info.scope == Scope::block ? layer : 0}, 0, bend(), std::nullopt});
  return edits;
}

void add_edited(const Model& model, const TokenIds& text, Hashes& hashes) {
  for (const HookEdit& edit : edits_of_all(model.config(), 1 % model.config().n_layers())) {
    RunRequest request;
    request.sequences = {text};
    request.edits = {edit};
    hashes["edited " + std::string(info_of(edit.at.hook).name)] = hash_of(model.run(request).logits);
  }
}

// Every hook point by itself, edited at some positions of one block or two, as the cone computes them.
void add_cone(const Model& model, const std::vector<TokenIds>& texts, Hashes& hashes) {
  test::Random random(5);
  ConeRequest request;
  request.texts = texts;
  for (const TokenIds& text : texts) request.first_asked.push_back(text.size() / 2);
  for (std::size_t text = 0; text < texts.size(); ++text)
    for (const HookInfo& info : hook_table()) {
      if (!exists({info.hook, 0}, model.config()) || test::is_output_of_norm(info.hook)) continue;
      ConeRun run;
      run.text = text;
      for (int edits = 0; edits < 2; ++edits) {
        std::vector<std::size_t> positions;
        for (std::size_t p = 0; p < texts[text].size(); ++p)
          if (random.below(4) == 0) positions.push_back(p);
        const std::size_t layer = info.scope == Scope::block ? random.below(model.config().n_layers()) : 0;
        run.edits.push_back({{info.hook, layer}, 0, bend(), positions});
      }
      request.runs.push_back(std::move(run));
    }
  std::vector<std::string> clean(texts.size()), edited(request.runs.size());
  const auto hash = [](MatrixView<const float> logits) {
    BitsHash bits;
    for (std::size_t r = 0; r < logits.rows; ++r) bits.add(logits.row_span(r));
    return bits.hex();
  };
  request.take_clean = [&](std::size_t text, MatrixView<const float> logits) { clean[text] = hash(logits); };
  request.take = [&](std::size_t cell, MatrixView<const float> logits) { edited[cell] = hash(logits); };
  run_cones(model, request);
  BitsHash all;
  for (const std::string& one : clean) all.add(std::span<const char>(one));
  hashes["cone clean"] = all.hex();
  std::map<std::string, BitsHash> by_point;
  for (std::size_t c = 0; c < edited.size(); ++c)
    by_point[std::string(info_of(request.runs[c].edits[0].at.hook).name)].add(std::span<const char>(edited[c]));
  for (const auto& [name, bits] : by_point) hashes["cone " + name] = bits.hex();
}

void add_cached(const Model& model, const TokenIds& text, Hashes& hashes) {
  KvCache cache(model.config());
  BitsHash logits;
  for (std::size_t first = 0, count = 1; first < text.size(); first += count, count = 1 + first % 4) {
    RunRequest request;
    const std::size_t end = std::min(first + count, text.size());
    request.sequences = {
        TokenIds(text.begin() + static_cast<std::ptrdiff_t>(first), text.begin() + static_cast<std::ptrdiff_t>(end))};
    request.cache = &cache;
    logits.add(model.run(request).logits);
  }
  hashes["cached logits"] = logits.hex();
}

void add_parts(const Model& model, const TokenIds& text, Hashes& hashes) {
  RunRequest first = test::everything_of(model.config(), {text});
  first.captures.clear();
  first.stop_at = model.config().n_layers() / 2;
  const auto before = model.run(first);
  add_run("until the middle ", before, hashes);
  RunRequest second;
  second.sequences = {text};
  second.start = start_from(*first.stop_at, before.residual.matrix());
  add_run("from the middle ", model.run(second), hashes);
}

Hashes engine_hashes(const FrozenModel& which, int threads) {
  const Model model = Model::load(which.folder, {Precision::fp32, threads, nullptr});
  Hashes hashes;
  add_run("alone ", model.run(test::everything_but_outputs_of_norms(model.config(), {which.texts[0]})), hashes);
  add_run("batch ", model.run(test::everything_but_outputs_of_norms(model.config(), which.texts)), hashes);
  RunRequest last;
  last.sequences = which.texts;
  last.logits = LogitRows::last;
  hashes["batch last logits"] = hash_of(model.run(last).logits);
  add_edited(model, which.texts[0], hashes);
  add_cone(model, which.texts, hashes);
  add_cached(model, which.texts[0], hashes);
  add_parts(model, which.texts[0], hashes);
  return hashes;
}

Hashes bf16_hashes(const FrozenModel& which, int threads) {
  const Model model = Model::load(which.folder, {Precision::bf16, threads, nullptr});
  Hashes hashes;
  add_run("batch ", model.run(test::everything_but_outputs_of_norms(model.config(), which.texts)), hashes);
  return hashes;
}

Hashes reference_hashes(const FrozenModel& which, int threads) {
  const Model model = Model::load(which.folder, {Precision::fp64, threads, nullptr});
  Hashes hashes;
  add_run("batch ", model.run_reference(test::everything_but_outputs_of_norms(model.config(), which.texts)), hashes);
  for (HookEdit& edit : edits_of_all(model.config(), 0)) {
    RunRequest request;
    request.sequences = {which.texts[0]};
    request.edits = {edit};
    hashes["edited " + std::string(info_of(edit.at.hook).name)] = hash_of(model.run_reference(request).logits);
  }
  return hashes;
}

const std::filesystem::path& record_file() {
  static const auto path = std::filesystem::path(STRATOSCOPE_SOURCE_DIR) / "tests/model/frozen/gpt2.json";
  return path;
}

// Compares with the record of this name; skips the test if there is none for this instruction set.
void expect_frozen(const std::string& set, const std::string& name, const Hashes& found) {
  nlohmann::json record = nlohmann::json::object();
  if (std::ifstream file(record_file()); file) record = nlohmann::json::parse(file);
  if (std::getenv("STRATOSCOPE_FREEZE") != nullptr) {
    record[set][name] = found;
    std::ofstream(record_file()) << record.dump(1) << '\n';
    return;
  }
  if (!record.contains(set) || !record[set].contains(name))
    GTEST_SKIP() << "no bits are recorded for " << set << ", " << name;
  const Hashes expected = record[set][name];
  for (const auto& [what, hash] : expected) {
    ASSERT_TRUE(found.contains(what)) << what << " of " << name << " is gone";
    EXPECT_EQ(found.at(what), hash) << what << " of " << name << " on " << set << " has other bits";
  }
  EXPECT_EQ(found.size(), expected.size()) << name;
}

// Bits are those of one thread on any number of threads, so one record serves them all.
template <class Compute>
void expect_frozen_on_threads(const std::string& set, const FrozenModel& which, const Compute& compute) {
  const Hashes one = compute(which, 1);
  for (const int threads : {2, 3, 7}) EXPECT_EQ(compute(which, threads), one) << which.name << ", " << threads;
  expect_frozen(set, which.name, one);
}

FrozenModel built_in() {
  return {"novella-7m", std::filesystem::path(STRATOSCOPE_SOURCE_DIR) / "models/novella-7m",
          texts_of({11, 1, 26}, 8192, 9)};
}

class FrozenGpt2 : public ::testing::Test {
 protected:
  template <class Compute>
  static void check_all(const std::string& set, const Compute& compute) {
    if (test::kWatched)
      GTEST_SKIP() << "a build under a sanitizer leaves kernels out; the bits are those of the release build";
    expect_frozen_on_threads(set, built_in(), compute);
    const std::pair<const char*, test::Sizes> shapes[] = {{"three heads", {2, 3, 24, 40, 48, 67}},
                                                          {"odd sizes", {3, 5, 35, 7, 70, 11}},
                                                          {"wide head", {2, 2, 66, 131, 70, 257}}};
    const nlohmann::json options[] = {
        {},
        {{"activation_function", "relu"}, {"scale_attn_by_inverse_layer_idx", true}},
        {{"activation_function", "gelu"}, {"tie_word_embeddings", false}, {"layer_norm_epsilon", 1e-3}},
    };
    for (std::size_t i = 0; i < std::size(shapes); ++i) {
      const auto& [name, sizes] = shapes[i];
      nlohmann::json config = test::config_of(sizes);
      config.update(options[i].is_null() ? nlohmann::json::object() : options[i]);
      auto tensors = test::random_tensors(sizes, 20 + i);
      if (!config.value("tie_word_embeddings", true)) {
        test::Random random(77);
        const Shape shape{sizes.d_vocab, sizes.d_model};
        tensors["lm_head.weight"] = {shape, random.units(element_count(shape))};
      }
      const test::TestModelFolder folder(config, tensors);
      expect_frozen_on_threads(set, {name, folder.path(), texts_of({13, 1, 2, 39}, sizes.d_vocab, 30 + i)}, compute);
    }
  }
};

TEST_F(FrozenGpt2, EngineInFloat32) { check_all(instruction_set(), engine_hashes); }

TEST_F(FrozenGpt2, EngineInBfloat16) { check_all(std::string(name_of(bfloat16_kernels())) + " bf16", bf16_hashes); }

// The C library's erf, which gelu takes, has other bits on aarch64.
#ifdef __x86_64__
constexpr const char* kReference = "float64";
#else
constexpr const char* kReference = "float64 elsewhere";
#endif

TEST_F(FrozenGpt2, Reference) { check_all(kReference, reference_hashes); }

}  // namespace
}  // namespace stratoscope
