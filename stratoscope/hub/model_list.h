// The models on this machine: the built-in ones, and those in the Hugging Face cache.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/families/tensor_roles.h"

namespace STRATOSCOPE_API stratoscope {

struct ListedModel {
  std::string name;                  // "openai-community/gpt2"
  std::vector<std::string> aliases;  // "gpt2"
  bool built_in = false;
  std::vector<std::string> revisions;  // branches and tags that name it
  std::string commit;                  // empty for a built-in model, and where nothing is complete
  std::filesystem::path folder;
  std::string family;                     // config.json's model_type; empty where it cannot be read
  std::optional<std::size_t> parameters;  // nothing where the weights cannot be read
  std::string dtype;                      // of the largest tensor: "F32"
  std::optional<WeightMemory> memory;     // that the weights take; nothing where it cannot be run
  std::uint64_t bytes = 0;                // on the disk
  std::string problem;                    // why it cannot be run here; empty where it can
  std::string hint;                       // what to do about it
};

// In the order of their names, the built-in ones first; a revision of a repository is an entry of its own. Reads no
// weights, only what the files say of them.
std::vector<ListedModel> list_models();

}  // namespace stratoscope
