// The tensors of a description, with their names and shapes; and properties that follow from the description
// alone.
#include "stratoscope/families/tensor_roles.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "tests/support/described_weights.h"
#include "tests/support/random_description.h"

namespace stratoscope {
namespace {

using NamedShapes = std::vector<std::pair<std::string, Shape>>;

TEST(TensorRoles, ByHeadWithBiases) {
  ModelConfig config = test::gpt_neox_like();
  config.blocks.resize(1);
  EXPECT_EQ(expected_tensors(config), (NamedShapes{{"embed_tokens.weight", {61, 24}},
                                                   {"layers.0.ln1.weight", {24}},
                                                   {"layers.0.ln1.bias", {24}},
                                                   {"layers.0.attn.q_proj.weight", {72, 24}},
                                                   {"layers.0.attn.q_proj.bias", {72}},
                                                   {"layers.0.attn.o_proj.weight", {24, 24}},
                                                   {"layers.0.attn.o_proj.bias", {24}},
                                                   {"layers.0.ln2.weight", {24}},
                                                   {"layers.0.ln2.bias", {24}},
                                                   {"layers.0.mlp.up_proj.weight", {40, 24}},
                                                   {"layers.0.mlp.up_proj.bias", {40}},
                                                   {"layers.0.mlp.down_proj.weight", {24, 40}},
                                                   {"layers.0.mlp.down_proj.bias", {24}},
                                                   {"norm.weight", {24}},
                                                   {"norm.bias", {24}},
                                                   {"lm_head.weight", {61, 24}}}));
  const std::size_t embedding = 61 * 24, block = 4 * 24 + 72 * 25 + 24 * 25 + 40 * 25 + 24 * 41;
  EXPECT_EQ(parameters_of(config), 2 * embedding + block + 2 * 24);
  config.tied = true;
  EXPECT_EQ(parameters_of(config), embedding + block + 2 * 24);
}

TEST(TensorRoles, ThirdsWithGroupedKeysAndGateWithUp) {
  ModelConfig config = test::llama_like();
  config.blocks.resize(1);
  config.tensors.qkv = QkvStorage::thirds;
  config.tensors.gate_with_up = true;
  EXPECT_EQ(expected_tensors(config), (NamedShapes{{"embed_tokens.weight", {61, 24}},
                                                   {"layers.0.ln1.weight", {24}},
                                                   {"layers.0.attn.q_proj.weight", {48, 24}},
                                                   {"layers.0.attn.o_proj.weight", {24, 24}},
                                                   {"layers.0.ln2.weight", {24}},
                                                   {"layers.0.mlp.gate_proj.weight", {74, 24}},
                                                   {"layers.0.mlp.down_proj.weight", {24, 37}},
                                                   {"norm.weight", {24}},
                                                   {"lm_head.weight", {61, 24}}}));
}

TEST(TensorRoles, NormsOfHeadsAndOverAllHeads) {
  const auto shape_of_norm = [](const ModelConfig& config, const std::string& name) {
    for (const auto& [tensor, shape] : expected_tensors(config))
      if (tensor == name) return shape;
    return Shape{};
  };
  const ModelConfig by_head = test::qwen3_like(), wide = test::olmo2_like();
  EXPECT_EQ(shape_of_norm(by_head, "layers.1.attn.q_norm.weight"), Shape{10});
  EXPECT_EQ(shape_of_norm(by_head, "layers.1.attn.k_norm.weight"), Shape{10});
  EXPECT_EQ(stored_norm(Role::q_norm, by_head, 1).repeats, 4U);
  EXPECT_EQ(stored_norm(Role::k_norm, by_head, 1).repeats, 2U);
  EXPECT_EQ(shape_of_norm(wide, "layers.1.attn.q_norm.weight"), Shape{24});
  EXPECT_EQ(shape_of_norm(wide, "layers.1.attn.k_norm.weight"), Shape{12});
  EXPECT_EQ(stored_norm(Role::k_norm, wide, 1).repeats, 1U);
}

TEST(TensorRoles, ALearnedTableHasTheOffsetsRowsToo) {
  ModelConfig config = test::gpt_neo_like();
  config.position_offset = 2;
  const auto expected = expected_tensors(config);
  EXPECT_EQ(expected[1], (NamedShapes::value_type{"embed_positions.weight", {38, 24}}));
}

TEST(TensorRoles, RandomDescriptionsAskForWhatIsStored) {
  for (const ModelConfig& config : test::all_descriptions(200, 3)) {
    SCOPED_TRACE(test::summary_of(config));
    std::map<std::string, Shape> stored, expected;
    std::size_t parameters = 0;
    for (const auto& [name, tensor] : test::stored_as(config, test::random_weights(config, 1))) {
      stored[name] = tensor.shape;
      parameters += tensor.values.size();
    }
    for (const auto& [name, shape] : expected_tensors(config))
      EXPECT_TRUE(expected.emplace(name, shape).second) << name << " twice";
    if (!config.tied) expected["lm_head.weight"] = {config.d_vocab, config.d_model};
    EXPECT_EQ(expected, stored);
    EXPECT_EQ(parameters_of(config), parameters);
  }
}

TEST(TensorRoles, EveryUnitOfAFusedMatrixBelongsToOnePart) {
  for (const ModelConfig& config : test::all_descriptions(100, 4))
    for (std::size_t layer = 0; layer < config.n_layers(); ++layer) {
      SCOPED_TRACE(test::summary_of(config));
      std::map<std::string, std::multiset<std::size_t>> units;
      std::map<std::string, std::size_t> sizes;
      std::vector<Role> roles = {Role::q, Role::k, Role::v, Role::up};
      if (config.blocks[layer].mlp.gated) roles.push_back(Role::gate);
      for (const Role role : roles) {
        const StoredMatrix matrix = stored_matrix(role, config, layer);
        for (std::size_t i = 0; i < matrix.out; ++i) units[matrix.name].insert(matrix.unit(i));
        sizes[matrix.name] = matrix.stored_out;
      }
      for (const auto& [name, size] : sizes) {
        ASSERT_EQ(units[name].size(), size) << name;
        for (std::size_t unit = 0; unit < size; ++unit) EXPECT_EQ(units[name].count(unit), 1U) << name;
      }
    }
}

TEST(TensorRoles, TensorsOfBlocksThatAreNotThere) {
  for (const ModelConfig& config : test::all_descriptions(30, 5)) {
    const std::size_t first_missing = config.n_layers();
    ModelConfig deeper = config;
    deeper.blocks.push_back(config.blocks.back());
    const std::string block = "layers." + std::to_string(first_missing) + ".";
    std::size_t of_the_block = 0;
    for (const auto& [name, shape] : expected_tensors(deeper))
      if (name.starts_with(block)) {
        EXPECT_TRUE(is_part_of_another_block(name, config)) << name;
        ++of_the_block;
      }
    EXPECT_GE(of_the_block, 4U);
    for (const std::string& name : {block + "attn.rotary_emb.inv_freq", block + "weight", block, std::string("layers."),
                                    std::string("norm.weight"), std::string("lm_head.weight"), std::string("layers"),
                                    "other." + block + "ln1.weight"})
      EXPECT_FALSE(is_part_of_another_block(name, config)) << name;
  }
}

TEST(TensorRoles, BuffersAreIgnoredWithinBlocksAlone) {
  ModelConfig config = test::gpt_neox_like();
  config.tensors.ignored_in_block = {"attn.bias", "attn.masked_bias"};
  EXPECT_TRUE(is_ignored("layers.0.attn.bias", config));
  EXPECT_TRUE(is_ignored("layers.12.attn.masked_bias", config));
  EXPECT_FALSE(is_ignored("layers.0.attn.q_proj.bias", config));
  EXPECT_FALSE(is_ignored("attn.bias", config));
}

TEST(Slopes, ArePowersOfTwo) {
  for (std::size_t head = 0; head < 8; ++head)
    EXPECT_DOUBLE_EQ(slope_of(head, 8), std::ldexp(1.0, -static_cast<int>(head) - 1));
  EXPECT_DOUBLE_EQ(slope_of(0, 1), 1.0 / 256);
  EXPECT_DOUBLE_EQ(slope_of(0, 16), std::sqrt(0.5));
  EXPECT_DOUBLE_EQ(slope_of(15, 16), 1.0 / 256);
}

TEST(Slopes, OfHeadsBeyondAPowerOfTwoLieBetween) {
  for (std::size_t head = 0; head < 8; ++head) EXPECT_EQ(slope_of(head, 12), slope_of(head, 8));
  const double between[] = {0.70710678118654752, 0.35355339059327376, 0.17677669529663688, 0.08838834764831844};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_DOUBLE_EQ(slope_of(8 + i, 12), between[i]);
  EXPECT_DOUBLE_EQ(slope_of(0, 3), 1.0 / 16);
  EXPECT_DOUBLE_EQ(slope_of(1, 3), 1.0 / 256);
  EXPECT_DOUBLE_EQ(slope_of(2, 3), 1.0 / 4);
}

}  // namespace
}  // namespace stratoscope
