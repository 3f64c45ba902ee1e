// From the name of a model to its folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

struct ModelLocation {
  std::string name;  // the name in results: "novella-7m", "gpt2", the last part of a folder
  std::filesystem::path folder;
  std::string pull_name;  // the name for `stratoscope pull` if it is in the Hugging Face cache; else empty
};

// The default model of every command.
inline constexpr const char* kBuiltInModel = "novella-7m";

// The folder of the built-in models: "models" beside the program or shared library with this code (a build tree), or
// "share/stratoscope/models" of its prefix, at most two folders above.
std::vector<std::filesystem::path> builtin_model_folders();

// A folder with config.json, a built-in model's name, or a model in the Hugging Face cache ("gpt2",
// "openai-community/gpt2", "gpt2@v1.0", "gpt2@607a30d"). A name with a slash or a leading dot means the folder if it
// exists; another name means a folder after the built-in models, if it has config.json, and before the cache. Throws
// Error with the places searched, similar names and the command that downloads the model; also for an incomplete model
// in the cache.
ModelLocation find_model(const std::string& name_or_folder);

}  // namespace stratoscope
