// A folder's weights: tensors that are found, and refused files.
#include "stratoscope/hub/checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "stratoscope/families/families.h"
#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

using nlohmann::json;
using stratoscope::testing::TemporaryFolder;
using test::refuses;
using test::TestModelFolder;
using test::TestTensors;

// A model folder after `change(config, tensors)`.
template <class Change>
TestModelFolder changed(const Change& change) {
  json config = test::config_of({});
  TestTensors tensors = test::random_tensors({});
  change(config, tensors);
  return TestModelFolder(config, tensors);
}

Tensor read_named(const Checkpoint& checkpoint, const std::string& name) {
  const StoredTensor& stored = checkpoint.at(name);
  Tensor tensor(stored.shape);
  convert(stored.dtype, stored.bytes, tensor.values());
  return tensor;
}

Checkpoint open(const TemporaryFolder& folder) { return {folder.path(), read_model_config(folder.path())}; }

template <class Change>
auto opening(const Change& change) {
  return [change] { open(changed(change)); };
}

TEST(Checkpoint, ReadsTensorsRowsAndCounts) {
  const TestModelFolder folder;
  const TestTensors tensors = test::random_tensors({});
  const Checkpoint checkpoint = open(folder);
  std::size_t parameters = 0;
  for (const auto& [name, tensor] : tensors) {
    parameters += tensor.values.size();
    const Tensor read = read_named(checkpoint, name);
    EXPECT_EQ(read.shape(), tensor.shape) << name;
    EXPECT_TRUE(test::same_bits(std::as_const(read).values(), std::span<const float>(tensor.values))) << name;
  }
  EXPECT_EQ(checkpoint.parameters(), parameters);
  EXPECT_EQ(checkpoint.dtype(), DType::f32);
  EXPECT_FALSE(checkpoint.has_own_unembedding());
  EXPECT_TRUE(checkpoint.warnings().empty());
  EXPECT_TRUE(checkpoint.nonfinite_tensors().empty());
  std::vector<double> row(24);
  checkpoint.read_row(Role::embed, 66, std::span<double>(row));
  for (std::size_t i = 0; i < 24; ++i)
    EXPECT_EQ(row[i], static_cast<double>(tensors.at("wte.weight").values[66 * 24 + i]));
}

TEST(Checkpoint, PrefixBuffersAndOtherTensors) {
  const auto folder = changed([](json&, TestTensors& tensors) {
    TestTensors prefixed;
    for (auto& [name, tensor] : tensors) prefixed["transformer." + name] = tensor;
    prefixed["transformer.h.0.attn.bias"] = {{1, 1, 48, 48}, std::vector<float>(48 * 48, 1)};
    prefixed["transformer.h.1.attn.masked_bias"] = {{}, {-1e4F}};
    prefixed["score.weight"] = {{2}, {1, 2}};
    tensors = prefixed;
  });
  const Checkpoint checkpoint = open(folder);
  EXPECT_TRUE(checkpoint.contains("h.1.ln_2.weight"));
  EXPECT_FALSE(checkpoint.contains("h.0.attn.bias"));
  EXPECT_EQ(checkpoint.warnings(),
            std::vector<std::string>{"tensor 'score.weight' is not part of a GPT-2 and is ignored"});
}

TEST(Checkpoint, WhatWrappersPutBeforeEveryNameIsLeftOut) {
  for (const std::string wrapper : {"module.", "module.transformer.", "_orig_mod.transformer.", "a.b.c."}) {
    const auto folder = changed([&](json&, TestTensors& tensors) {
      TestTensors prefixed;
      for (auto& [name, tensor] : tensors) prefixed[wrapper + name] = tensor;
      prefixed["steps"] = {{1}, {7}};
      prefixed[wrapper + "h.0.attn.c_attn.lora_A"] = {{1}, {7}};
      tensors = prefixed;
    });
    const Checkpoint checkpoint = open(folder);
    for (const auto& [name, tensor] : test::random_tensors({})) EXPECT_TRUE(checkpoint.contains(name)) << name;
    EXPECT_EQ(checkpoint.warnings().size(), 2U) << wrapper;
  }
}

// The head is `number` everywhere, or the embedding's numbers.
auto with_head(std::optional<bool> tie, std::optional<float> number) {
  return [=](json& config, TestTensors& tensors) {
    if (tie) config["tie_word_embeddings"] = *tie;
    tensors["lm_head.weight"] = tensors.at("wte.weight");
    if (number) tensors["lm_head.weight"].values.assign(67 * 24, *number);
  };
}

TEST(Checkpoint, AHeadOfItsOwnIsUsedWhateverTheConfigurationSays) {
  const std::size_t parameters = open(changed([](json&, TestTensors&) {})).parameters();
  for (const std::optional<bool> tie : {std::optional<bool>(), std::optional(true), std::optional(false)}) {
    const Checkpoint checkpoint = open(changed(with_head(tie, 1.0F)));
    EXPECT_TRUE(checkpoint.has_own_unembedding());
    EXPECT_EQ(checkpoint.parameters(), parameters + 67 * 24);
    const bool is_told = tie.has_value() && !*tie;
    ASSERT_EQ(checkpoint.warnings().size(), is_told ? 0U : 1U);
    for (const std::string& warning : checkpoint.warnings())
      EXPECT_NE(warning.find("differs from the embedding"), std::string::npos);
  }
  EXPECT_TRUE(refuses(opening([](json& config, auto&) { config["tie_word_embeddings"] = false; }),
                      "tensor 'lm_head.weight' is missing"));
  EXPECT_TRUE(refuses(opening([](json&, TestTensors& tensors) {
                        tensors["lm_head.weight"] = {{1}, {7}};
                      }),
                      "tensor 'lm_head.weight' has shape [1]"));
}

TEST(Checkpoint, AnEqualHeadIsTheEmbedding) {
  const std::size_t parameters = open(changed([](json&, TestTensors&) {})).parameters();
  for (const std::optional<bool> tie : {std::optional<bool>(), std::optional(true)}) {
    const Checkpoint checkpoint = open(changed(with_head(tie, std::nullopt)));
    EXPECT_FALSE(checkpoint.has_own_unembedding());
    EXPECT_EQ(checkpoint.parameters(), parameters);
    EXPECT_TRUE(checkpoint.warnings().empty());
  }
  const auto last_differs = changed([](json&, TestTensors& tensors) {
    tensors["lm_head.weight"] = tensors.at("wte.weight");
    tensors["lm_head.weight"].values.back() += 1;
  });
  EXPECT_TRUE(open(last_differs).has_own_unembedding());
}

TEST(Checkpoint, TheOnlyMatrixMayHaveTheHeadsName) {
  const auto only_head = [](std::optional<bool> tie) {
    return [=](json& config, TestTensors& tensors) {
      if (tie) config["tie_word_embeddings"] = *tie;
      tensors["lm_head.weight"] = tensors.at("wte.weight");
      tensors.erase("wte.weight");
    };
  };
  const Checkpoint checkpoint = open(changed(only_head(std::nullopt)));
  EXPECT_FALSE(checkpoint.has_own_unembedding());
  EXPECT_TRUE(checkpoint.warnings().empty());
  EXPECT_TRUE(refuses(opening(only_head(false)), "tensor 'wte.weight' is missing"));
}

TEST(Checkpoint, EveryTensorIsAskedForAndItsShapeChecked) {
  for (const auto& [name, tensor] : test::random_tensors({})) {
    EXPECT_TRUE(refuses(opening([key = name](json&, TestTensors& tensors) { tensors.erase(key); }),
                        "tensor '" + name + "' is missing; is this a checkpoint of GPT-2?"));
    EXPECT_TRUE(refuses(opening([key = name](json&, TestTensors& tensors) {
                          auto& wrong = tensors[key];
                          wrong.shape.insert(wrong.shape.begin(), 1);
                        }),
                        "tensor '" + name + "' has shape [1, "));
  }
  EXPECT_TRUE(refuses(opening([](json&, TestTensors& tensors) {
                        std::swap(tensors["h.0.mlp.c_fc.weight"].shape[0], tensors["h.0.mlp.c_fc.weight"].shape[1]);
                      }),
                      "tensor 'h.0.mlp.c_fc.weight' has shape [40, 24], expected [24, 40]"));
}

TEST(Checkpoint, ConfigurationAndWeightsMustBelongTogether) {
  EXPECT_TRUE(
      refuses(opening([](json& config, auto&) { config["n_layer"] = 1; }), "is not part of a GPT-2 of 1 blocks"));
  EXPECT_TRUE(refuses(opening([](json& config, auto&) { config["n_layer"] = 3; }), "tensor 'h.2."));
  EXPECT_TRUE(refuses(opening([](json& config, auto&) { config["vocab_size"] = 68; }),
                      "tensor 'wte.weight' has shape [67, 24], expected [68, 24]"));
  EXPECT_TRUE(refuses(opening([](json& config, auto&) {
                        config["n_embd"] = config["n_inner"] = config["vocab_size"] = config["n_positions"] = 1 << 24;
                        config["n_head"] = 1;
                      }),
                      "expected [16777216, 16777216]"));
  EXPECT_TRUE(
      refuses(opening([](json&, TestTensors& tensors) { tensors["transformer.wte.weight"] = tensors["wte.weight"]; }),
              "tensor 'wte.weight' is stored twice"));
}

TEST(Checkpoint, FoldersWithoutUsableWeights) {
  const TemporaryFolder folder;
  folder.file("config.json", test::config_of({}).dump());
  EXPECT_TRUE(refuses([&] { open(folder); }, "has no model.safetensors; is this a model folder"));
  folder.file("pytorch_model.bin", "x");
  EXPECT_TRUE(refuses([&] { open(folder); }, "only a pickle"));
  EXPECT_TRUE(refuses([&] { open(folder); }, "safe_serialization=True"));
  folder.file("model.safetensors", "");
  EXPECT_TRUE(refuses([&] { open(folder); }, "model.safetensors"));
}

// ---- number formats

std::string stored_bytes(const TestTensors& tensors, DType dtype, std::vector<std::string>& blobs,
                         std::vector<ArrayView>& views) {
  for (const auto& [name, tensor] : tensors) {
    std::string bytes;
    for (const float value : tensor.values) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof(bits));
      const auto half = static_cast<std::uint16_t>(bits >> 16);  // BF16, cut; for I16 any bits do
      bytes.append(reinterpret_cast<const char*>(&half), 2);
    }
    blobs.push_back(bytes);
  }
  std::size_t i = 0;
  for (const auto& [name, tensor] : tensors) {
    views.push_back({name, dtype, tensor.shape, std::as_bytes(std::span(blobs[i]))});
    ++i;
  }
  return {};
}

TEST(Checkpoint, Bf16IsReadExactlyAndIntegersAreRefused) {
  const TestTensors tensors = test::random_tensors({});
  for (const DType dtype : {DType::bf16, DType::i16}) {
    const TemporaryFolder folder;
    folder.file("config.json", test::config_of({}).dump());
    std::vector<std::string> blobs;
    std::vector<ArrayView> views;
    stored_bytes(tensors, dtype, blobs, views);
    write_safetensors(folder / "model.safetensors", views);
    if (dtype == DType::i16) {
      EXPECT_TRUE(refuses([&] { open(folder); }, "is stored as 'I16', expected F32, F16 or BF16"));
      continue;
    }
    const Checkpoint checkpoint = open(folder);
    EXPECT_EQ(checkpoint.dtype(), DType::bf16);
    const Tensor read = read_named(checkpoint, "h.1.attn.c_attn.weight");
    const auto& values = tensors.at("h.1.attn.c_attn.weight").values;
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_LE(std::abs(read.data()[i]), std::abs(values[i]));
      EXPECT_NEAR(read.data()[i], values[i], std::abs(values[i]) / 128);
    }
  }
}

void expect_lent_as_read(const Checkpoint& checkpoint) {
  const auto expect_numbers = [&](const std::string& name, const Checkpoint::LentMatrix& lent, bool by_unit) {
    const Tensor read = read_named(checkpoint, name);
    ASSERT_EQ(lent.in * lent.out, read.size());
    EXPECT_EQ(lent.layout, by_unit ? WeightLayout::out_in : WeightLayout::in_out);
    EXPECT_TRUE(test::same_bits(std::as_const(read).values(), std::span(lent.numbers, read.size()))) << name;
  };
  checkpoint.lend(Role::embed, [&](const auto& lent) { expect_numbers("wte.weight", lent, true); });
  const Role qkv[] = {Role::q, Role::k, Role::v};
  checkpoint.lend(qkv, 1, [&](const auto& lent) { expect_numbers("h.1.attn.c_attn.weight", lent, false); });
  // A part of a stored matrix, which is copied.
  const Tensor all = read_named(checkpoint, "h.1.attn.c_attn.weight");
  const Role keys[] = {Role::k};
  checkpoint.lend(keys, 1, [&](const Checkpoint::LentMatrix& lent) {
    ASSERT_EQ(lent.out, 24U);
    for (std::size_t in = 0; in < lent.in; ++in)
      for (std::size_t out = 0; out < 24; ++out) EXPECT_EQ(lent.numbers[in * 24 + out], all.matrix().row(in)[24 + out]);
  });
}

TEST(Checkpoint, LendsTheNumbersThatItReads) {
  const TestTensors tensors = test::random_tensors({});
  const TestModelFolder plain;
  expect_lent_as_read(open(plain));

  const TemporaryFolder half;
  half.file("config.json", test::config_of({}).dump());
  std::vector<std::string> blobs;
  std::vector<ArrayView> views;
  stored_bytes(tensors, DType::bf16, blobs, views);
  write_safetensors(half / "model.safetensors", views);
  expect_lent_as_read(open(half));

  // One blank after the header: no number has an address that is aligned for floats.
  std::string bytes = read_text_file(plain.path() / "model.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  bytes.insert(sizeof(length) + length, " ");
  ++length;
  std::memcpy(bytes.data(), &length, sizeof(length));
  const TemporaryFolder odd;
  odd.file("config.json", test::config_of({}).dump());
  odd.file("model.safetensors", bytes);
  expect_lent_as_read(open(odd));
}

TEST(Checkpoint, NanAndInfinityAreFoundWhereverTheyAre) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const auto folder = changed([&](json&, TestTensors& tensors) {
    tensors["h.0.ln_1.bias"].values.back() = nan;
    tensors["wpe.weight"].values.front() = -infinity;
    tensors["h.1.mlp.c_proj.weight"].values[500] = infinity;
    tensors["wte.weight"].values[0] = std::numeric_limits<float>::max();
    tensors["wte.weight"].values[1] = std::numeric_limits<float>::denorm_min();
  });
  EXPECT_EQ(open(folder).nonfinite_tensors(),
            (std::vector<std::string>{"h.0.ln_1.bias", "h.1.mlp.c_proj.weight", "wpe.weight"}));
}

// ---- several files

class Sharded : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.file("config.json", test::config_of({}).dump());
    TestTensors first, second;
    for (const auto& [name, tensor] : test::random_tensors({})) {
      const bool in_first = name.starts_with("h.0.");
      (in_first ? first : second)[name] = tensor;
      index_["weight_map"][name] = in_first ? "a.safetensors" : "b.safetensors";
    }
    test::write_tensors(folder_ / "a.safetensors", first);
    test::write_tensors(folder_ / "b.safetensors", second);
    write_index(index_);
  }
  void write_index(const json& index) const { folder_.file("model.safetensors.index.json", index.dump()); }
  auto with(const json& index) const {
    return [this, index] {
      write_index(index);
      open(folder_);
    };
  }

  const TemporaryFolder folder_;
  json index_;
};

TEST_F(Sharded, IsTheSameCheckpoint) {
  const Checkpoint checkpoint = open(folder_);
  const Tensor read = read_named(checkpoint, "h.0.mlp.c_fc.weight");
  const auto values = test::random_tensors({}).at("h.0.mlp.c_fc.weight").values;
  EXPECT_TRUE(test::same_bits(std::as_const(read).values(), std::span<const float>(values)));
  EXPECT_EQ(checkpoint.fingerprint(), open(TestModelFolder()).fingerprint());
}

TEST_F(Sharded, AnIndexThatCannotBeTrusted) {
  EXPECT_TRUE(refuses(with(json::object()), "has no weight_map"));
  EXPECT_TRUE(refuses(with({{"weight_map", json::object()}}), "has no weight_map"));
  EXPECT_TRUE(refuses(with({{"weight_map", {"a.safetensors"}}}), "has no weight_map"));
  EXPECT_TRUE(refuses(with(json::array()), "has no weight_map"));
  for (const json& bad : {json("../a.safetensors"), json("/etc/passwd"), json("x/a.safetensors"), json(""), json(".."),
                          json("."), json(3), json(nullptr)}) {
    json index = index_;
    index["weight_map"]["wte.weight"] = bad;
    EXPECT_TRUE(refuses(with(index), "the file of tensor 'wte.weight' is not a name in this folder")) << bad;
  }
  json index = index_;
  index["weight_map"]["wte.weight"] = "c.safetensors";
  EXPECT_TRUE(refuses(with(index), "c.safetensors"));
  folder_.file("model.safetensors.index.json", "{");
  EXPECT_TRUE(refuses([&] { open(folder_); }, "is not JSON"));
}

TEST_F(Sharded, AMissingPieceNamesTheTensor) {
  json index;
  index["weight_map"]["wte.weight"] = "b.safetensors";
  EXPECT_TRUE(refuses(with(index), "tensor 'h.0."));
}

// ---- the fingerprint

TEST(Fingerprint, IsTheSameForACopyAndAnotherForAnyChange) {
  const auto of = [](const TemporaryFolder& folder) { return open(folder).fingerprint(); };
  const TestModelFolder one, copy;
  const std::string fingerprint = of(one);
  EXPECT_EQ(fingerprint.size(), 16U);
  EXPECT_EQ(fingerprint.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(of(copy), fingerprint);
  EXPECT_NE(of(changed([](json& config, auto&) { config["layer_norm_epsilon"] = 1e-6; })), fingerprint);
  for (const auto& [name, tensor] : test::random_tensors({})) {
    const auto folder = changed([key = name](json&, TestTensors& tensors) { tensors[key].values.back() += 1; });
    EXPECT_NE(of(folder), fingerprint) << name;
  }
}

}  // namespace
}  // namespace stratoscope
