// Weights that contradict the description, and further tensors of families' checkpoints.
#include <gtest/gtest.h>

#include "stratoscope/hub/checkpoint.h"
#include "tests/support/described_weights.h"
#include "tests/support/errors.h"
#include "tests/support/random_description.h"

namespace stratoscope {
namespace {

using test::refuses;

class FamilyFolder : public stratoscope::testing::TemporaryFolder {
 public:
  explicit FamilyFolder(ModelConfig described)
      : config(std::move(described)), tensors(test::stored_as(config, test::random_weights(config, 1))) {}

  Checkpoint open() const {
    test::write_tensors(*this / "model.safetensors", tensors);
    return Checkpoint(path(), config);
  }

  ModelConfig config;
  test::TestTensors tensors;
};

TEST(FamilyCheckpoints, AStoredHeadOfATiedModelIsIgnoredWhateverItHolds) {
  FamilyFolder folder(test::qwen3_like());
  const std::size_t parameters = folder.open().parameters();
  for (const Shape& shape : {Shape{folder.config.d_vocab, folder.config.d_model}, Shape{3, 1}}) {
    folder.tensors["lm_head.weight"] = {shape, std::vector<float>(element_count(shape), 7)};
    const Checkpoint checkpoint = folder.open();
    EXPECT_FALSE(checkpoint.has_own_unembedding());
    EXPECT_EQ(checkpoint.parameters(), parameters);
    EXPECT_TRUE(checkpoint.warnings().empty());
  }
}

TEST(FamilyCheckpoints, AHeadThatIsNotTiedIsAskedFor) {
  FamilyFolder folder(test::llama_like());
  folder.tensors.erase("lm_head.weight");
  EXPECT_TRUE(refuses([&] { folder.open(); }, "tensor 'lm_head.weight' is missing; if it is the embedding"));
}

TEST(FamilyCheckpoints, TheHeadMayHaveItsOtherName) {
  FamilyFolder folder(test::gpt_neox_like());
  folder.config.tensors.unembed = "embed_out";
  folder.config.tensors.other_unembed = "lm_head";
  EXPECT_TRUE(folder.open().has_own_unembedding());
  folder.tensors["embed_out.weight"] = folder.tensors.at("lm_head.weight");
  EXPECT_TRUE(refuses([&] { folder.open(); }, "tensor 'embed_out.weight' is stored twice"));
  folder.tensors.erase("lm_head.weight");
  EXPECT_TRUE(folder.open().has_own_unembedding());
}

TEST(FamilyCheckpoints, PartsThatTheConfigurationDoesNotKnowAreRefused) {
  for (const char* name : {"layers.0.attn.q_proj.bias", "layers.2.mlp.up_proj.bias", "layers.1.ln1_post.weight",
                           "layers.0.attn.q_norm.weight", "layers.3.ln1.weight"}) {
    FamilyFolder folder(test::llama_like());
    folder.tensors[name] = {{4}, {1, 2, 3, 4}};
    EXPECT_TRUE(
        refuses([&] { folder.open(); }, "tensor '" + std::string(name) + "' is not part of a llama of 3 blocks"));
  }
  FamilyFolder folder(test::stablelm_like());
  folder.tensors["layers.0.attn.k_norm.norms.2.weight"] = {{6}, {1, 2, 3, 4, 5, 6}};
  EXPECT_TRUE(refuses([&] { folder.open(); }, "'layers.0.attn.k_norm.norms.2.weight' is not part of a stablelm"));
}

TEST(FamilyCheckpoints, EveryTensorOfEveryDescriptionIsAskedForAndItsShapeChecked) {
  for (const ModelConfig& config : test::random_descriptions(6, 9)) {
    SCOPED_TRACE(test::summary_of(config));
    FamilyFolder folder(config);
    const auto whole = folder.tensors;
    for (const auto& [name, tensor] : whole) {
      const bool is_embedding = config.tied && name == config.tensors.embed + ".weight";
      folder.tensors = whole;
      folder.tensors.erase(name);
      EXPECT_TRUE(refuses([&] { folder.open(); }, is_embedding ? "is missing" : "tensor '" + name + "' is missing"));
      folder.tensors[name] = tensor;
      folder.tensors[name].shape.push_back(1);
      EXPECT_TRUE(refuses([&] { folder.open(); }, "tensor '" + name + "' has shape "));
    }
  }
}

// Naming all tensors of such a model would take gigabytes.
TEST(FamilyCheckpoints, AbsurdSizesAreRefusedAtTheFirstTensor) {
  FamilyFolder folder(test::stablelm_like());
  for (BlockSpec& block : folder.config.blocks) block.attention.heads = block.attention.kv_heads = 1 << 16;
  folder.config.blocks.resize(1024, folder.config.blocks[0]);
  EXPECT_TRUE(refuses([&] { folder.open(); }, "tensor 'layers.0.attn.q_proj.weight' has shape"));
}

}  // namespace
}  // namespace stratoscope
