#include "stratoscope/hub/model_files.h"

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 8> kCompanions = {
    "generation_config.json",  "tokenizer.json",    "tokenizer_config.json", "vocab.json", "merges.txt",
    "special_tokens_map.json", "added_tokens.json", "tokenizer.model",
};

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('\0') == std::string::npos &&
         fs::path(name).filename() == name;
}

}  // namespace

std::span<const char* const> companion_files() { return kCompanions; }

std::vector<std::string> files_of_index(const std::string& text, const std::string& source) {
  const auto json = parse_json(text, "safetensors", source);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object() ||
      json["weight_map"].empty())
    throw Error("safetensors", source + ": has no weight_map");
  std::set<std::string> files;
  for (const auto& [tensor, file] : json["weight_map"].items()) {
    throw_if_cancelled();
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    if (!is_plain_name(name))
      throw Error("safetensors",
                  source + ": the file of tensor " + in_quotes(tensor) + " is not a name in this folder");
    files.insert(name);
  }
  return {files.begin(), files.end()};
}

std::vector<fs::path> weight_files(const fs::path& folder) {
  if (is_there(folder / kWeightsFile)) return {folder / kWeightsFile};
  const fs::path index = folder / kWeightsIndexFile;
  if (!is_there(index)) {
    const bool pickled = is_there(folder / kPickleFile);
    throw Error("safetensors", folder.string() + ": has no model.safetensors" + (pickled ? ", only a pickle" : ""),
                pickled ? "pytorch_model.bin is not read, because a pickle can run code; convert it with "
                          "save_pretrained(..., safe_serialization=True)"
                        : "is this a model folder in Hugging Face layout?");
  }
  std::vector<fs::path> files;
  for (const std::string& name : files_of_index(read_text_file(index), index.string())) files.push_back(folder / name);
  return files;
}

std::vector<std::string> missing_files(const fs::path& folder) {
  std::vector<std::string> missing;
  if (!is_file(folder / kConfigFile)) missing.emplace_back(kConfigFile);
  const bool has_words = is_file(folder / "vocab.json") && is_file(folder / "merges.txt");
  if (!has_words && !is_file(folder / "tokenizer.json") && !is_file(folder / "tokenizer.model"))
    missing.emplace_back("tokenizer.json");
  if (!is_file(folder / kWeightsFile) && !is_file(folder / kWeightsIndexFile)) {
    missing.emplace_back(kWeightsFile);
  } else {
    for (const fs::path& file : weight_files(folder))
      if (!is_file(file)) missing.push_back(file.filename().string());
  }
  return missing;
}

}  // namespace stratoscope
