#include "stratoscope/families/families.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/families/refused.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {
namespace {

using nlohmann::json;

std::string implemented() {
  std::string names;
  for (const Family& family : families()) names += (names.empty() ? "" : ", ") + std::string(family.model_type);
  return names + " are";
}

[[noreturn]] void refuse_family(const ConfigReader& config, const std::string& type) {
  const std::string named = "model_type " + in_quotes(type);
  if (const auto kind = refused_kind(type))
    config.refuse(named + ": " + std::string(kind->what) + " is not implemented", std::string(kind->instead));
  config.refuse(named + " is not implemented", implemented());
}

// Features that no family has.
void refuse_options(const ConfigReader& config) {
  if (config.has("quantization_config"))
    config.refuse("quantization_config is not implemented: weights must be floating",
                  "the model before quantisation is implemented");
  if (config.flag("is_encoder_decoder", false))
    config.refuse("is_encoder_decoder is not implemented", "decoders are implemented");
  if (!config.flag("is_causal", true))
    config.refuse("is_causal false is not implemented", "a decoder reads its text from left to right");
}

json parse_object(const std::string& text, const std::string& source) {
  json object = parse_json(text, "config", source);
  if (!object.is_object()) throw Error("config", source + ": is not a JSON object");
  return object;
}

}  // namespace

void read_ends(const ConfigReader& config, ModelConfig& model) {
  if (const auto ids = config.ids("bos_token_id"); !ids.empty()) model.bos_token_id = ids[0];
  if (const auto ids = config.ids("eos_token_id"); !ids.empty()) model.eos_token_ids = ids;
}

ModelConfig describe(const Family& family, const ConfigReader& config) {
  refuse_options(config);
  ModelConfig model = family.describe(config);
  model.family = family.model_type;
  model.title = family.title;
  read_ends(config, model);
  return model;
}

ModelConfig parse_model_config(const std::string& text, const std::string& source) {
  const json object = parse_object(text, source);
  const ConfigReader config(object, source);
  const std::string type = config.text("model_type", "");
  if (type.empty()) config.fail("model_type is missing", "is this the config.json of a Hugging Face model?");
  const auto all = families();
  const auto family = std::find_if(all.begin(), all.end(), [&](const Family& f) { return f.model_type == type; });
  if (family == all.end()) refuse_family(config, type);
  return describe(*family, config);
}

ModelConfig read_model_config(const std::filesystem::path& folder) {
  constexpr std::size_t kLargestConfig = std::size_t{16} << 20;
  const auto path = folder / "config.json", generation = folder / "generation_config.json";
  ModelConfig model = parse_model_config(read_text_file(path, kLargestConfig), path.string());
  std::error_code unreadable;
  if (!std::filesystem::exists(generation, unreadable)) return model;
  const json object = parse_object(read_text_file(generation, kLargestConfig), generation.string());
  if (const auto ids = ConfigReader(object, generation.string()).ids("eos_token_id"); !ids.empty())
    model.eos_token_ids = ids;
  return model;
}

const char* name_of(Activation activation) {
  switch (activation) {
    case Activation::gelu_new: return "gelu_new";
    case Activation::gelu: return "gelu";
    case Activation::relu: return "relu";
    case Activation::relu2: return "relu2";
    case Activation::silu: return "silu";
    case Activation::quick_gelu: return "quick_gelu";
  }
  return "";
}

}  // namespace stratoscope
