// The same weights in every layout of the families: tensors that are read by role have the same bits.
#include <gtest/gtest.h>

#include <array>

#include "stratoscope/hub/checkpoint.h"
#include "tests/support/compare.h"
#include "tests/support/described_weights.h"
#include "tests/support/random_description.h"

namespace stratoscope {
namespace {

using test::PlainBlock;
using test::PlainMatrix;
using test::PlainNorm;
using test::PlainWeights;

template <class T>
std::vector<T> as(const std::vector<float>& numbers) {
  return {numbers.begin(), numbers.end()};
}

template <class T>
::testing::AssertionResult holds(const BasicTensor<T>& tensor, const Shape& shape, const std::vector<T>& numbers) {
  if (tensor.shape() != shape)
    return ::testing::AssertionFailure() << "shape " << to_string(tensor.shape()) << ", expected " << to_string(shape);
  if (!test::same_bits(tensor.values(), std::span<const T>(numbers)))
    return ::testing::AssertionFailure() << "other numbers";
  return ::testing::AssertionSuccess();
}

class RoleReader {
 public:
  RoleReader(const Checkpoint& checkpoint, const ModelConfig& config) : checkpoint_(checkpoint), config_(config) {}

  template <class T>
  void expect_matrix(Role role, std::size_t layer, const PlainMatrix& expected) const {
    EXPECT_TRUE(
        holds(checkpoint_.read_matrix<T>(role, layer), {expected.in, expected.out}, as<T>(test::transposed(expected))))
        << trace(role, layer);
    expect_bias<T>(role, layer, expected);
  }

  template <class T>
  void expect_bias(Role role, std::size_t layer, const PlainMatrix& expected) const {
    const std::vector<float> none(expected.out, 0);
    EXPECT_TRUE(holds(checkpoint_.read_bias<T>(role, layer), {expected.out},
                      as<T>(expected.bias.empty() ? none : expected.bias)))
        << "bias of " << trace(role, layer);
  }

  template <class T>
  void expect_norm(Role role, std::size_t layer, const NormSpec& spec, const PlainNorm& expected,
                   std::size_t repeats = 1) const {
    if (!spec.exists()) return;
    const auto read = checkpoint_.read_norm<T>(role, layer);
    const auto repeated = [&](const std::vector<float>& once, T more) {
      std::vector<T> row;
      for (std::size_t i = 0; i < repeats; ++i)
        for (const float number : once) row.push_back(static_cast<T>(number) + more);
      return row;
    };
    const auto weight = repeated(expected.weight, spec.plus_one ? T{1} : T{0}), bias = repeated(expected.bias, T{0});
    EXPECT_TRUE(test::same_bits(read.weight.values(), std::span<const T>(weight))) << trace(role, layer);
    EXPECT_TRUE(test::same_bits(read.bias.values(), std::span<const T>(bias))) << trace(role, layer);
  }

  void expect_lent(const std::vector<Role>& roles, std::size_t layer, const std::vector<PlainMatrix>& parts) const {
    const PlainMatrix expected = test::below_one_another(parts);
    int calls = 0;
    checkpoint_.lend(roles, layer, [&](const Checkpoint::LentMatrix& lent) {
      ++calls;
      ASSERT_EQ(lent.in, expected.in);
      ASSERT_EQ(lent.out, expected.out);
      const auto numbers = lent.layout == WeightLayout::out_in ? expected.weight : test::transposed(expected);
      EXPECT_TRUE(
          test::same_bits(std::span<const float>(lent.numbers, numbers.size()), std::span<const float>(numbers)))
          << roles.size() << " from " << trace(roles[0], layer);
    });
    EXPECT_EQ(calls, 1);
  }

  void expect_rows(Role role, const PlainMatrix& table) const {
    for (std::size_t row = 0; row < table.out; ++row) {
      const auto expected = test::rows_of(table, row, 1).weight;
      std::vector<float> read(table.in);
      checkpoint_.read_row(role, row, std::span<float>(read));
      EXPECT_EQ(read, expected) << trace(role, row);
      std::vector<double> wide(table.in);
      checkpoint_.read_row(role, row, std::span<double>(wide));
      EXPECT_EQ(wide, as<double>(expected)) << trace(role, row);
    }
  }

  template <class T>
  void expect_all(const PlainWeights& weights) const {
    for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
      const BlockSpec& spec = config_.blocks[layer];
      const PlainBlock& block = weights.blocks[layer];
      expect_matrix<T>(Role::q, layer, block.q);
      expect_matrix<T>(Role::k, layer, block.k);
      expect_matrix<T>(Role::v, layer, block.v);
      expect_matrix<T>(Role::o, layer, block.o);
      if (spec.mlp.gated) expect_matrix<T>(Role::gate, layer, block.gate);
      expect_matrix<T>(Role::up, layer, block.up);
      expect_matrix<T>(Role::down, layer, block.down);
      expect_norm<T>(Role::ln1, layer, spec.ln1, block.ln1);
      expect_norm<T>(Role::ln1_post, layer, spec.ln1_post, block.ln1_post);
      expect_norm<T>(Role::ln2, layer, spec.ln2, block.ln2);
      expect_norm<T>(Role::ln2_post, layer, spec.ln2_post, block.ln2_post);
      const AttentionSpec& attention = spec.attention;
      expect_norm<T>(Role::q_norm, layer, spec.q_norm, block.q_norm,
                     spec.q_norm.wide || spec.q_norm.by_head ? 1 : attention.heads);
      expect_norm<T>(Role::k_norm, layer, spec.k_norm, block.k_norm,
                     spec.k_norm.wide || spec.k_norm.by_head ? 1 : attention.kv_heads);
    }
    expect_norm<T>(Role::embed_norm, 0, config_.embed_norm, weights.embed_norm);
    expect_norm<T>(Role::ln_final, 0, config_.ln_final, weights.ln_final);
    PlainMatrix unembed{config_.d_model, config_.d_vocab, (config_.tied ? weights.embed : weights.unembed).weight,
                        weights.unembed.bias};
    expect_matrix<T>(Role::unembed, 0, unembed);
  }

  void expect_all_lent(const PlainWeights& weights) const {
    for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
      const PlainBlock& block = weights.blocks[layer];
      expect_lent({Role::q, Role::k, Role::v}, layer, {block.q, block.k, block.v});
      expect_lent({Role::k}, layer, {block.k});
      expect_lent({Role::v, Role::q}, layer, {block.v, block.q});
      expect_lent({Role::o}, layer, {block.o});
      if (config_.blocks[layer].mlp.gated) {
        expect_lent({Role::gate, Role::up}, layer, {block.gate, block.up});
        expect_lent({Role::up, Role::gate}, layer, {block.up, block.gate});
      }
      expect_lent({Role::up}, layer, {block.up});
      expect_lent({Role::down}, layer, {block.down});
    }
    expect_lent({Role::unembed}, 0,
                {{config_.d_model, config_.d_vocab, (config_.tied ? weights.embed : weights.unembed).weight}});
  }

 private:
  static std::string trace(Role role, std::size_t layer) {
    return "role " + std::to_string(static_cast<int>(role)) + " of block or row " + std::to_string(layer);
  }

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
};

bool may_be_by_head(const ModelConfig& config) {
  for (const BlockSpec& block : config.blocks)
    if (block.attention.kv_heads != block.attention.heads) return false;
  return true;
}

std::vector<TensorNames> storages_of(const ModelConfig& config) {
  std::vector<TensorNames> storages;
  for (const QkvStorage qkv : {QkvStorage::apart, QkvStorage::thirds, QkvStorage::by_head})
    for (const bool gate_with_up : {false, true})
      for (const WeightLayout layout : {WeightLayout::out_in, WeightLayout::in_out}) {
        if (qkv == QkvStorage::by_head && !may_be_by_head(config)) continue;
        TensorNames& names = storages.emplace_back(config.tensors);
        names.qkv = qkv, names.gate_with_up = gate_with_up, names.layout = layout;
      }
  return storages;
}

TEST(CheckpointRoles, EveryStorageIsTheSameModel) {
  std::uint64_t seed = 0;
  int by_head = 0;
  for (ModelConfig config : test::all_descriptions(14, 6)) {
    SCOPED_TRACE(test::summary_of(config));
    const PlainWeights weights = test::random_weights(config, ++seed);
    for (const TensorNames& names : storages_of(config)) {
      SCOPED_TRACE("qkv " + std::to_string(static_cast<int>(names.qkv)) + (names.gate_with_up ? " gate with up" : "") +
                   (names.layout == WeightLayout::in_out ? " in_out" : " out_in"));
      config.tensors = names;
      by_head += names.qkv == QkvStorage::by_head ? 1 : 0;
      const stratoscope::testing::TemporaryFolder folder;
      const auto tensors = test::stored_as(config, weights, seed % 2 == 0 ? "" : "module.model.");
      test::write_tensors(folder / "model.safetensors", tensors);
      const Checkpoint checkpoint(folder.path(), config);
      EXPECT_TRUE(checkpoint.warnings().empty());
      std::size_t parameters = 0;
      for (const auto& [name, tensor] : tensors) parameters += tensor.values.size();
      EXPECT_EQ(checkpoint.parameters(), parameters);
      const RoleReader reader(checkpoint, config);
      reader.expect_all<float>(weights);
      reader.expect_all<double>(weights);
      reader.expect_all_lent(weights);
      reader.expect_rows(Role::embed, weights.embed);
      if (config.learned_positions) reader.expect_rows(Role::pos_embed, weights.pos_embed);
    }
  }
  EXPECT_GE(by_head, 8);
}

}  // namespace
}  // namespace stratoscope
