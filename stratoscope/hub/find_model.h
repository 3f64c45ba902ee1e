// From the name of a model to the folder that holds it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

struct ModelLocation {
  std::string name;  // what results call it: "novella-7m", "gpt2", a folder's last part
  std::filesystem::path folder;
  std::string pull_name;  // what `stratoscope pull` calls it where it is in the Hugging Face cache; else empty
};

// The model that every command uses when none is named.
inline constexpr const char* kBuiltInModel = "novella-7m";

// Where built-in models are: beside the file that this code runs from, the program or the shared library ("models", a
// build tree), or in its prefix ("share/stratoscope/models" of one of the two folders above).
std::vector<std::filesystem::path> builtin_model_folders();

// A folder that holds config.json, a built-in model's name, or a model in the Hugging Face cache ("gpt2",
// "openai-community/gpt2", "gpt2@v1.0", "gpt2@607a30d"). What has a slash or begins with a dot means the folder where
// there is one; any other name means a folder after the built-in models, if it holds config.json, and before the cache.
// Throws Error that says where was looked, which names are near and which command gets the model; for a model in the
// cache that is not complete as well.
ModelLocation find_model(const std::string& name_or_folder);

}  // namespace stratoscope
