// config.json: the values that are read, and refused files.
#include "stratoscope/families/families.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

using nlohmann::json;
using test::refuses;

json good() { return test::config_of({}); }

ModelConfig parsed(const json& config) { return parse_model_config(config.dump(), "c.json"); }

TEST(ModelConfig, SizesAndDefaults) {
  json config = good();
  config.erase("n_inner");
  const ModelConfig model = parsed(config);
  EXPECT_EQ(model.n_layers(), 2U);
  EXPECT_EQ(model.n_heads(), 3U);
  EXPECT_EQ(model.d_model, 24U);
  EXPECT_EQ(model.d_head(), 8U);
  EXPECT_EQ(model.d_mlp(), 96U);
  EXPECT_EQ(model.n_ctx, 48U);
  EXPECT_EQ(model.d_vocab, 67U);
  EXPECT_EQ(model.n_hidden_states(), 3U);
  EXPECT_EQ(model.blocks[0].mlp.activation, Activation::gelu_new);
  EXPECT_EQ(model.ln_final.eps, 1e-5);
  EXPECT_TRUE(model.tied);
  EXPECT_NEAR(model.blocks[1].attention.scale, 1 / std::sqrt(8.0), 1e-15);
}

TEST(ModelConfig, Options) {
  json config = good();
  config["activation_function"] = "gelu";
  config["layer_norm_epsilon"] = 1e-3;
  config["scale_attn_weights"] = false;
  config["scale_attn_by_inverse_layer_idx"] = true;
  config["tie_word_embeddings"] = false;
  config["n_inner"] = nullptr;
  config["n_ctx"] = 7;  // n_positions counts
  config["resid_pdrop"] = 0.1;
  const ModelConfig model = parsed(config);
  EXPECT_EQ(model.blocks[0].mlp.activation, Activation::gelu);
  EXPECT_EQ(model.ln_final.eps, 1e-3);
  EXPECT_EQ(model.blocks[1].attention.scale, 0.5);
  EXPECT_FALSE(model.tied);
  EXPECT_EQ(model.d_mlp(), 96U);
  EXPECT_EQ(model.n_ctx, 48U);
  config.erase("n_positions");
  EXPECT_EQ(parsed(config).n_ctx, 7U);
  config["activation_function"] = "relu";
  EXPECT_EQ(parsed(config).blocks[0].mlp.activation, Activation::relu);
  EXPECT_STREQ(name_of(Activation::relu), "relu");
}

TEST(ModelConfig, RefusalsNameTheFileTheKeyAndTheValue) {
  const auto with = [](const char* key, const json& value) {
    return [key, value] {
      json config = good();
      if (value.is_discarded())
        config.erase(key);
      else
        config[key] = value;
      parsed(config);
    };
  };
  const json missing(json::value_t::discarded);
  for (const char* key : {"n_layer", "n_head", "n_embd", "vocab_size"}) {
    EXPECT_TRUE(refuses(with(key, missing), "config: c.json: " + std::string(key) + " is missing"));
    EXPECT_TRUE(refuses(with(key, nullptr), std::string(key) + " is missing"));
    for (const json& bad : {json(0), json(-1), json(1.5), json("12"), json(true), json::array({1}), json(1ULL << 40),
                            json(-9223372036854775807LL), json(18446744073709551615ULL)})
      EXPECT_TRUE(refuses(with(key, bad), std::string(key) + " is ")) << key << " " << bad;
  }
  EXPECT_TRUE(refuses(with("n_positions", missing), "n_ctx is missing"));
  EXPECT_TRUE(refuses(with("n_layer", 1025), "n_layer is 1025, expected a whole number from 1 to 1024"));
  EXPECT_TRUE(refuses(with("n_inner", 0), "n_inner is 0"));
  EXPECT_TRUE(refuses(with("n_head", 5), "n_embd 24 is not a multiple of n_head 5"));
  EXPECT_TRUE(refuses(with("activation_function", "mish"), "activation_function 'mish' is not implemented; gelu_new"));
  EXPECT_TRUE(refuses(with("activation_function", 3), "activation_function is 3, expected a string"));
  EXPECT_TRUE(refuses(with("model_type", "falcon"), "model_type 'falcon' is not implemented; gpt2, bloom, "));
  EXPECT_TRUE(refuses(with("model_type", missing), "model_type is missing"));
  EXPECT_TRUE(refuses(with("add_cross_attention", true), "add_cross_attention is not implemented"));
  EXPECT_TRUE(refuses(with("quantization_config", json::object()), "quantization_config is not implemented"));
  EXPECT_TRUE(refuses(with("tie_word_embeddings", "no"), "tie_word_embeddings is 'no', expected true or false"));
  for (const json& bad : {json(0), json(-1e-5), json(2), json("1e-5"), json::array()})
    EXPECT_TRUE(refuses(with("layer_norm_epsilon", bad), "layer_norm_epsilon is ")) << bad;
}

TEST(ModelConfig, KindsOfModelsAreRefusedByName) {
  const std::pair<const char*, const char*> kinds[] = {
      {"mixtral", "mixture of experts is not implemented; a dense model"},
      {"qwen2_moe", "mixture of experts is"},
      {"qwen3_moe", "mixture of experts is"},
      {"olmoe", "mixture of experts is"},
      {"phimoe", "mixture of experts is"},
      {"granitemoe", "mixture of experts is"},
      {"deepseek_v3", "mixture of experts is"},
      {"gpt_oss", "mixture of experts is"},
      {"bert", "a bidirectional encoder is not implemented; decoders are implemented"},
      {"xlm-roberta", "a bidirectional encoder"},
      {"modernbert", "a bidirectional encoder"},
      {"t5", "an encoder-decoder is not implemented; decoders without an encoder are implemented"},
      {"bart", "an encoder-decoder"},
      {"whisper", "an encoder-decoder"},
      {"llava", "a model of images or sound is not implemented; models of text are implemented"},
      {"qwen2_5_vl", "a model of images or sound"},
      {"gemma3n", "a model of images or sound"},
      {"mamba", "recurrence is not implemented"},
      {"cohere2", "Cohere 2 is not implemented; cohere is implemented"},
      {"olmo3", "OLMo 3 is not implemented; olmo and olmo2 are implemented"},
      {"starcoder2", "is not implemented; gpt2, bloom, "},
  };
  for (const auto& [type, says] : kinds) {
    json config = good();
    config["model_type"] = type;
    EXPECT_TRUE(refuses([&] { parsed(config); }, "c.json: model_type '" + std::string(type) + "'"));
    EXPECT_TRUE(refuses([&] { parsed(config); }, says)) << type;
  }
}

TEST(ModelConfig, TokensThatEndATextOfAPartAndOfTheWhole) {
  const json text = {{"hidden_size", 8}, {"num_hidden_layers", 1}, {"bos_token_id", 2}, {"eos_token_id", 1}};
  json config = {{"model_type", "gemma3"}, {"text_config", text}};
  EXPECT_EQ(parsed(config).bos_token_id, 2U);
  EXPECT_EQ(parsed(config).eos_token_ids, std::vector<std::size_t>{1});
  config["eos_token_id"] = {1, 106};
  EXPECT_EQ(parsed(config).eos_token_ids, (std::vector<std::size_t>{1, 106}));
}

TEST(ModelConfig, NoJsonNoObjectNoFile) {
  EXPECT_TRUE(refuses([] { parse_model_config("{", "c.json"); }, "c.json: is not JSON"));
  EXPECT_TRUE(refuses([] { parse_model_config("", "c.json"); }, "c.json: is not JSON"));
  EXPECT_TRUE(refuses([] { parse_model_config("[1]", "c.json"); }, "c.json: is not a JSON object"));
  EXPECT_TRUE(refuses([] { parse_model_config(std::string(100000, '['), "c.json"); }, "nested deeper"));
  const stratoscope::testing::TemporaryFolder folder;
  EXPECT_TRUE(refuses([&] { read_model_config(folder.path()); }, "config.json"));
}

}  // namespace
}  // namespace stratoscope
