// Each family: config.json's model_type, and the function that describes its models.
#pragma once

#include <span>
#include <string_view>

#include "stratoscope/families/config_reader.h"
#include "stratoscope/families/model_config.h"

namespace stratoscope {

struct Family {
  std::string_view model_type, title;
  ModelConfig (*describe)(const ConfigReader& config);
};

std::span<const Family> families();

// The tokens that begin and end a text, if the config has them.
void read_ends(const ConfigReader& config, ModelConfig& model);

// Describes a model of this family from the config.json, including the tokens that end a text. Throws as
// parse_model_config does.
ModelConfig describe(const Family& family, const ConfigReader& config);

ModelConfig bloom(const ConfigReader& config);
ModelConfig cohere(const ConfigReader& config);
ModelConfig gemma(const ConfigReader& config);
ModelConfig gemma2(const ConfigReader& config);
ModelConfig gemma3(const ConfigReader& config);
ModelConfig gemma3_text(const ConfigReader& config);
ModelConfig gpt2(const ConfigReader& config);
ModelConfig gpt_neo(const ConfigReader& config);
ModelConfig gpt_neox(const ConfigReader& config);
ModelConfig gptj(const ConfigReader& config);
ModelConfig granite(const ConfigReader& config);
ModelConfig llama(const ConfigReader& config);
ModelConfig mistral(const ConfigReader& config);
ModelConfig olmo(const ConfigReader& config);
ModelConfig olmo2(const ConfigReader& config);
ModelConfig opt(const ConfigReader& config);
ModelConfig phi(const ConfigReader& config);
ModelConfig phi3(const ConfigReader& config);
ModelConfig qwen2(const ConfigReader& config);
ModelConfig qwen3(const ConfigReader& config);
ModelConfig smollm3(const ConfigReader& config);
ModelConfig stablelm(const ConfigReader& config);

}  // namespace stratoscope
