// Each family: config.json's model_type, and the function that describes a model of it.
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

ModelConfig gpt2(const ConfigReader& config);

}  // namespace stratoscope
