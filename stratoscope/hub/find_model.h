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
};

// The model that every command uses when none is named.
inline constexpr const char* kBuiltInModel = "novella-7m";

// Where built-in models are: beside the file that this code runs from, the program or the shared library ("models", a
// build tree), or in its prefix ("share/stratoscope/models" of one of the two folders above).
std::vector<std::filesystem::path> builtin_model_folders();

// Hugging Face's cache: $HF_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub; the
// first whose variable is set, else the last.
std::filesystem::path hugging_face_cache();

// A folder that holds config.json, a built-in model's name, or a model in the Hugging Face cache ("gpt2",
// "openai-community/gpt2"). Throws Error that says where was looked and which names are near.
ModelLocation find_model(const std::string& name_or_folder);

}  // namespace stratoscope
