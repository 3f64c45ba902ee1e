// Errors in a config.json of each family: one line that names the file and the key.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "stratoscope/families/families.h"
#include "stratoscope/families/registry.h"
#include "stratoscope/families/tensor_roles.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using nlohmann::json;
using test::refuses;

// As many families as possible read it: all keys of sizes that any of them has.
json good_of(const std::string& family) {
  json config = json::parse(R"({"vocab_size": 50, "hidden_size": 48, "intermediate_size": 20, "ffn_dim": 20,
    "num_hidden_layers": 2, "num_layers": 2, "num_attention_heads": 6, "num_heads": 6, "num_key_value_heads": 3,
    "max_position_embeddings": 64, "head_dim": 8, "n_embd": 48, "n_head": 6, "n_layer": 2, "n_positions": 64,
    "rotary_dim": 4, "attention_types": [[["global", "local"], 1]]})");
  config["model_type"] = family;
  if (family == "gpt_neox") config.erase("num_key_value_heads");
  return family == "gemma3" ? json{{"model_type", family}, {"text_config", config}} : config;
}

ModelConfig read_config(const json& config) { return parse_model_config(config.dump(), "c.json"); }

::testing::AssertionResult refused_with(const std::string& family, const json& changes, const std::string& says) {
  json config = good_of(family);
  (family == "gemma3" ? config["text_config"] : config).update(changes);
  const auto refused = refuses([&] { read_config(config); }, "config: c.json: ");
  return refused ? refuses([&] { read_config(config); }, says) : refused;
}

std::vector<std::string> all_families() {
  std::vector<std::string> names;
  for (const Family& family : families()) names.emplace_back(family.model_type);
  return names;
}

TEST(WrongConfigs, TheGoodOnesAreRead) {
  EXPECT_EQ(all_families().size(), 22U);
  for (const std::string& family : all_families()) {
    const ModelConfig model = read_config(good_of(family));
    EXPECT_EQ(model.n_layers(), 2U) << family;
    EXPECT_EQ(model.d_model, 48U) << family;
    EXPECT_EQ(model.family, family);
    EXPECT_GT(parameters_of(model), 10000U) << family;
  }
}

TEST(WrongConfigs, SizesOfEveryFamily) {
  for (const std::string& family : all_families()) {
    SCOPED_TRACE(family);
    for (const json& bad : {json(0), json(-3), json(2.5), json("50"), json(1ULL << 40)}) {
      EXPECT_TRUE(refused_with(family, {{"vocab_size", bad}}, "vocab_size is "));
      const json all_layers = {{"num_hidden_layers", bad}, {"num_layers", bad}, {"n_layer", bad}};
      EXPECT_TRUE(refused_with(family, all_layers, "expected a whole number from 1 to 1024"));
      const json all_heads = {{"num_attention_heads", bad}, {"num_heads", bad}, {"n_head", bad}};
      EXPECT_TRUE(refused_with(family, all_heads, "expected a whole number from 1 to "));
    }
    EXPECT_TRUE(refused_with(family, {{"tie_word_embeddings", "yes"}}, "tie_word_embeddings is 'yes'"));
  }
}

TEST(WrongConfigs, HeadsThatDoNotFit) {
  for (const char* family : {"llama", "mistral", "qwen2", "phi3", "olmo", "olmo2", "stablelm", "granite", "cohere"})
    EXPECT_TRUE(refused_with(family, {{"num_key_value_heads", 4}},
                             "num_attention_heads 6 is not a multiple of num_key_value_heads 4"))
        << family;
  EXPECT_TRUE(refused_with("llama", {{"head_dim", nullptr}, {"hidden_size", 50}},
                           "hidden_size 50 is not a multiple of num_attention_heads 6"));
  EXPECT_TRUE(refused_with("gptj", {{"n_embd", 50}}, "n_embd 50 is not a multiple of n_head 6"));
  EXPECT_TRUE(refused_with("bloom", {{"hidden_size", 50}}, "hidden_size 50 is not a multiple of n_head 6"));
  EXPECT_TRUE(refused_with("llama", {{"num_attention_heads", 1 << 20}}, "num_attention_heads is 1048576, expected"));
  EXPECT_TRUE(refused_with("llama", {{"head_dim", "8"}}, "head_dim is '8'"));
}

TEST(WrongConfigs, RotationsThatMakeNoSense) {
  const auto scaling = [](const json& settings, const std::string& says) {
    json with_factor = {{"factor", 4.0}};
    with_factor.update(settings);
    return refused_with("llama", {{"rope_scaling", with_factor}}, says);
  };
  EXPECT_TRUE(scaling({{"rope_type", "mrope"}}, "rope_scaling.rope_type 'mrope' is not implemented; default, linear"));
  EXPECT_TRUE(scaling({{"type", "ntk"}}, "rope_scaling.rope_type 'ntk' is not implemented"));
  EXPECT_TRUE(scaling({{"rope_type", 3}}, "rope_scaling.rope_type is 3, expected a string"));
  for (const char* type : {"linear", "dynamic", "llama3"})
    EXPECT_TRUE(scaling({{"rope_type", type}, {"factor", nullptr}}, "rope_scaling.factor is missing"));
  for (const json& bad : {json(0), json(-2.0), json("4"), json::array({4})})
    for (const char* type : {"linear", "dynamic", "llama3", "yarn"})
      EXPECT_TRUE(scaling({{"rope_type", type}, {"factor", bad}}, "rope_scaling.factor is ")) << bad;
  EXPECT_TRUE(scaling({{"rope_type", "dynamic"}, {"factor", 0.5}}, "rope_scaling.factor is below 1"));
  EXPECT_TRUE(scaling({{"rope_type", "linear"}, {"factor", 1e-9}}, "more than 1000 radians for each position"));
  EXPECT_TRUE(scaling({{"rope_type", "llama3"}, {"low_freq_factor", 4}, {"high_freq_factor", 4}},
                      "rope_scaling.high_freq_factor is not above low_freq_factor"));
  EXPECT_TRUE(scaling({{"rope_type", "yarn"}, {"beta_fast", 1}, {"beta_slow", 2}},
                      "rope_scaling.beta_fast is below beta_slow"));
  EXPECT_TRUE(scaling({{"rope_type", "yarn"}, {"truncate", 1}}, "rope_scaling.truncate is 1"));
  EXPECT_TRUE(scaling({{"rope_type", "yarn"}, {"original_max_position_embeddings", -1}},
                      "rope_scaling.original_max_position_embeddings is -1"));
  EXPECT_TRUE(scaling({{"rope_type", "longrope"}}, "rope_scaling.short_factor is not a list of 4 numbers above 0"));
  for (const json& bad : {json::array({1, 2, 3}), json::array({1, 2, 3, 0}), json::array({1, 2, 3, "4"}), json(2)})
    EXPECT_TRUE(scaling({{"rope_type", "longrope"}, {"short_factor", {1, 1, 1, 1}}, {"long_factor", bad}},
                        "rope_scaling.long_factor is not a list of 4 numbers above 0"))
        << bad;
  EXPECT_TRUE(scaling({{"rope_type", "longrope"}, {"short_factor", {1, 1, 1, 1}}, {"long_factor", {1e-300, 1, 1, 1}}},
                      "more than 1000 radians for each position"));
  for (const json& bad : {json("linear"), json(2), json::array({1})})
    EXPECT_TRUE(refused_with("llama", {{"rope_scaling", bad}}, "rope_scaling is ")) << bad;
  for (const json& bad : {json(0), json(-1), json("10000"), json(1e300)})
    EXPECT_TRUE(refused_with("llama", {{"rope_theta", bad}}, "rope_theta is ")) << bad;
  EXPECT_TRUE(refused_with("llama", {{"rope_theta", 0.5}}, "rope_theta is below 1"));
  EXPECT_TRUE(refused_with("llama", {{"rope_parameters", {{"full_attention", {{"rope_theta", 1e4}}}}}},
                           "rope_parameters.full_attention is not implemented in this family"));
  EXPECT_TRUE(refused_with("llama", {{"head_dim", 9}},
                           "9 numbers of a head of 9 would rotate, which is not a positive even number"));
  EXPECT_TRUE(refused_with("llama", {{"head_dim", 1 << 20}}, "more than 8192 numbers of a head of 1048576"));
  EXPECT_TRUE(refused_with("gpt_neox", {{"rotary_pct", 0.4}}, "rotary_pct: 3 numbers of a head of 8 would rotate"));
  EXPECT_TRUE(refused_with("gpt_neox", {{"rotary_pct", 1.5}}, "rotary_pct is 1.5"));
  EXPECT_TRUE(refused_with("phi", {{"partial_rotary_factor", 0.1}}, "partial_rotary_factor: 0 numbers of a head of 8"));
  EXPECT_TRUE(refused_with("phi",
                           {{"partial_rotary_factor", 0.25}, {"rope_scaling", {{"type", "dynamic"}, {"factor", 2}}}},
                           "dynamic with fewer than 4 numbers of a head that rotate"));
  EXPECT_TRUE(refused_with("gptj", {{"rotary_dim", nullptr}}, "rotary_dim null is not implemented"));
  EXPECT_TRUE(refused_with("gptj", {{"rotary_dim", 5}}, "rotary_dim 5 is odd"));
  EXPECT_TRUE(refused_with("gptj", {{"rotary_dim", 10}}, "rotary_dim 10 is odd, or more than a head's 8"));
}

TEST(WrongConfigs, ListsOfBlocks) {
  for (const char* family : {"gemma2", "gemma3_text", "gemma3", "smollm3"}) {
    EXPECT_TRUE(refused_with(family, {{"layer_types", {"full_attention"}}}, "layer_types is not a list of 2 entries"));
    EXPECT_TRUE(refused_with(family, {{"layer_types", {"full_attention", "chunked_attention"}}},
                             "layer_types 'chunked_attention' is not implemented"));
    EXPECT_TRUE(refused_with(family, {{"layer_types", {"full_attention", nullptr}}}, "layer_types has an entry"));
  }
  EXPECT_TRUE(refused_with("qwen2", {{"use_sliding_window", true}, {"layer_types", {"full_attention"}}},
                           "layer_types is not a list of 2 entries"));
  EXPECT_TRUE(refused_with("smollm3", {{"no_rope_layers", {1, 0, 1}}}, "no_rope_layers is not a list of 2 entries"));
  EXPECT_TRUE(refused_with("smollm3", {{"no_rope_layers", {1, 2}}}, "no_rope_layers has an entry that is 2"));
  const char* types = "attention_types is not a list of [pattern, repeats]";
  for (const json& bad : {json("global"), json::array({json::array({json::array({"global"}), 1})}),
                          json::parse(R"([[["global", "local"], 9223372036854775807]])"),
                          json::parse(R"([[[], 9223372036854775807]])"), json::parse(R"([[["global"]]])"),
                          json::parse(R"([[["global", 3], 1]])"), json::parse(R"([[["global", "local"], -1]])")})
    EXPECT_TRUE(refused_with("gpt_neo", {{"attention_types", bad}}, types)) << bad;
  EXPECT_TRUE(refused_with("gpt_neo", {{"attention_types", json::parse(R"([[["global", "sparse"], 1]])")}},
                           "attention of kind 'sparse' is not implemented; global and local are"));
  EXPECT_TRUE(refused_with("gpt_neo", {{"attention_layers", {"global"}}}, "attention_layers is not a list of 2"));
}

TEST(WrongConfigs, WindowsNormsAndFactors) {
  for (const char* family : {"mistral", "phi3", "gemma2", "gemma3_text"})
    for (const json& bad : {json(0), json(-1), json("4096"), json(1.5)})
      EXPECT_TRUE(refused_with(family, {{"sliding_window", bad}}, "sliding_window is ")) << family << bad;
  EXPECT_TRUE(refused_with("gpt_neo", {{"window_size", 0}}, "window_size is 0"));
  for (const auto& [family, key] :
       {std::pair("llama", "rms_norm_eps"), std::pair("cohere", "layer_norm_eps"),
        std::pair("bloom", "layer_norm_epsilon"), std::pair("granite", "residual_multiplier"),
        std::pair("granite", "logits_scaling"), std::pair("granite", "embedding_multiplier"),
        std::pair("granite", "attention_multiplier"), std::pair("cohere", "logit_scale"), std::pair("olmo", "clip_qkv"),
        std::pair("gemma2", "query_pre_attn_scalar"), std::pair("gemma2", "attn_logit_softcapping"),
        std::pair("gemma3_text", "final_logit_softcapping")})
    for (const json& bad : {json(0), json(-1.0), json("1"), json(true)})
      EXPECT_TRUE(refused_with(family, {{key, bad}}, std::string(key) + " is ")) << bad;
  EXPECT_TRUE(refused_with("llama", {{"hidden_act", "mish"}}, "hidden_act 'mish' is not implemented; gelu_new"));
  EXPECT_TRUE(refused_with("gemma2", {{"hidden_activation", 1}}, "hidden_activation is 1"));
}

TEST(WrongConfigs, OptionsThatAreNotImplemented) {
  EXPECT_TRUE(refused_with("opt", {{"do_layer_norm_before", false}}, "norms after the additions are not implemented"));
  EXPECT_TRUE(refused_with("opt", {{"_remove_final_layer_norm", true}}, "not implemented"));
  EXPECT_TRUE(refused_with("opt", {{"word_embed_proj_dim", 24}}, "a word_embed_proj_dim other than hidden_size"));
  EXPECT_TRUE(refused_with("bloom", {{"apply_residual_connection_post_layernorm", true}},
                           "apply_residual_connection_post_layernorm is not implemented"));
  for (const char* family : {"gemma3", "gemma3_text"})
    EXPECT_TRUE(refused_with(family, {{"use_bidirectional_attention", true}}, "use_bidirectional_attention is not"));
  EXPECT_TRUE(refused_with("llama", {{"is_encoder_decoder", true}}, "is_encoder_decoder is not implemented"));
  EXPECT_TRUE(refused_with("qwen2", {{"is_causal", false}}, "is_causal false is not implemented"));
  EXPECT_TRUE(
      refused_with("llama", {{"quantization_config", {{"bits", 4}}}}, "quantization_config is not implemented"));
  EXPECT_TRUE(refuses([] { read_config({{"model_type", "gemma3"}}); }, "c.json: text_config is missing"));
  EXPECT_TRUE(refuses([] { read_config({{"model_type", "gemma3"}, {"text_config", 3}}); }, "text_config is 3"));
}

}  // namespace
}  // namespace stratoscope
