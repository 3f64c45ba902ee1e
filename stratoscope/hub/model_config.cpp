#include "stratoscope/hub/model_config.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

using nlohmann::json;

// No transformer is near these; a larger size is a broken file, refused before anything is computed from it.
constexpr std::size_t kLargestSize = std::size_t{1} << 24;
constexpr std::size_t kMostLayers = 1024;

// Typed look-ups that name the file and the key when they fail. A key that is null counts as absent.
class Reader {
 public:
  Reader(const json& object, std::string source) : object_(object), source_(std::move(source)) {}

  bool has(const char* key) const { return object_.contains(key) && !object_[key].is_null(); }

  std::optional<std::size_t> size(const char* key, std::size_t most = kLargestSize) const {
    if (!has(key)) return std::nullopt;
    const json& value = object_[key];
    if (!value.is_number_integer() || value < 1 || value > most)
      fail(std::string(key) + " is " + shown(value) + ", expected a whole number from 1 to " + std::to_string(most));
    return value.get<std::size_t>();
  }

  std::size_t required_size(const char* key, std::size_t most = kLargestSize) const {
    const auto value = size(key, most);
    if (!value) fail(std::string(key) + " is missing");
    return *value;
  }

  bool flag(const char* key, bool otherwise) const {
    if (!has(key)) return otherwise;
    if (!object_[key].is_boolean()) fail(std::string(key) + " is " + shown(object_[key]) + ", expected true or false");
    return object_[key].get<bool>();
  }

  // A number or a list of them. Those below 0 mean none.
  std::vector<std::size_t> ids(const char* key) const {
    std::vector<std::size_t> found;
    if (!has(key)) return found;
    for (const json& id : object_[key].is_array() ? object_[key] : json::array({object_[key]})) {
      if (!id.is_number_integer()) fail(std::string(key) + " is " + shown(object_[key]) + ", expected token ids");
      if (id >= 0) found.push_back(id.get<std::size_t>());
    }
    return found;
  }

  double positive(const char* key, double otherwise) const {
    if (!has(key)) return otherwise;
    const json& value = object_[key];
    if (!value.is_number() || !(value.get<double>() > 0) || value.get<double>() > 1)
      fail(std::string(key) + " is " + shown(value) + ", expected a number above 0, at most 1");
    return value.get<double>();
  }

  std::string text(const char* key, const std::string& otherwise) const {
    if (!has(key)) return otherwise;
    if (!object_[key].is_string()) fail(std::string(key) + " is " + shown(object_[key]) + ", expected a string");
    return object_[key].get<std::string>();
  }

  [[noreturn]] void fail(const std::string& problem, const std::string& hint = {}) const {
    throw Error("config", source_ + ": " + problem, hint);
  }

  [[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) const {
    throw NotImplemented("config", source_ + ": " + what, hint);
  }

 private:
  static std::string shown(const json& value) {
    return value.is_string()       ? in_quotes(value.get<std::string>())
           : value.is_structured() ? (value.is_array() ? "a list" : "an object")
                                   : value.dump();
  }

  const json& object_;
  std::string source_;
};

Activation activation_named(const std::string& name, const Reader& config) {
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::gelu_new;
  if (name == "gelu") return Activation::gelu;
  if (name == "relu") return Activation::relu;
  config.refuse("activation_function " + in_quotes(name) + " is not implemented", "gelu_new, gelu and relu are");
}

void refuse_what_is_not_implemented(const Reader& config) {
  const std::string type = config.text("model_type", "");
  if (type.empty()) config.fail("model_type is missing", "is this the config.json of a Hugging Face model?");
  if (type != "gpt2") config.refuse("model_type " + in_quotes(type) + " is not implemented", "gpt2 is");
  if (config.flag("add_cross_attention", false)) config.refuse("add_cross_attention is not implemented");
  if (config.has("quantization_config"))
    config.refuse("quantization_config is not implemented: weights must be floating");
}

}  // namespace

double ModelConfig::attention_scale(std::size_t layer) const {
  double scale = scale_attn_weights ? 1.0 / std::sqrt(static_cast<double>(d_head)) : 1.0;
  if (scale_attn_by_inverse_layer) scale /= static_cast<double>(layer + 1);
  return scale;
}

const char* name_of(Activation activation) {
  switch (activation) {
    case Activation::gelu_new: return "gelu_new";
    case Activation::gelu: return "gelu";
    case Activation::relu2: return "relu2";
    case Activation::silu: return "silu";
    case Activation::quick_gelu: return "quick_gelu";
    default: return "relu";
  }
}

ModelConfig parse_model_config(const std::string& text, const std::string& source) {
  const json object = parse_json(text, "config", source);
  if (!object.is_object()) throw Error("config", source + ": is not a JSON object");
  const Reader config(object, source);
  refuse_what_is_not_implemented(config);

  ModelConfig model;
  model.n_layers = config.required_size("n_layer", kMostLayers);
  model.n_heads = config.required_size("n_head");
  model.d_model = config.required_size("n_embd");
  model.d_vocab = config.required_size("vocab_size");
  model.n_ctx = config.has("n_positions") ? config.required_size("n_positions") : config.required_size("n_ctx");
  if (model.d_model % model.n_heads != 0)
    config.fail("n_embd " + std::to_string(model.d_model) + " is not a multiple of n_head " +
                std::to_string(model.n_heads));
  model.d_head = model.d_model / model.n_heads;
  model.d_mlp = config.size("n_inner").value_or(4 * model.d_model);
  model.activation = activation_named(config.text("activation_function", "gelu_new"), config);
  model.activation_name = name_of(model.activation);
  model.layer_norm_eps = config.positive("layer_norm_epsilon", 1e-5);
  model.scale_attn_weights = config.flag("scale_attn_weights", true);
  model.scale_attn_by_inverse_layer = config.flag("scale_attn_by_inverse_layer_idx", false);
  model.tie_word_embeddings = config.flag("tie_word_embeddings", true);
  if (const auto ids = config.ids("bos_token_id"); !ids.empty()) model.bos_token_id = ids[0];
  model.eos_token_ids = config.ids("eos_token_id");
  return model;
}

ModelConfig read_model_config(const std::filesystem::path& folder) {
  constexpr std::size_t kLargestConfig = std::size_t{16} << 20;
  const auto path = folder / "config.json", generation = folder / "generation_config.json";
  ModelConfig model = parse_model_config(read_text_file(path, kLargestConfig), path.string());
  std::error_code unreadable;
  if (!std::filesystem::exists(generation, unreadable)) return model;
  const json object = parse_json(read_text_file(generation, kLargestConfig), "config", generation.string());
  if (!object.is_object()) throw Error("config", generation.string() + ": is not a JSON object");
  if (const auto ids = Reader(object, generation.string()).ids("eos_token_id"); !ids.empty()) model.eos_token_ids = ids;
  return model;
}

}  // namespace stratoscope
