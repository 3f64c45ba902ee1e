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
  std::vector<std::string> revisions;  // branches and tags of this commit
  std::string commit;                  // empty for a built-in model, and if no snapshot is complete
  std::filesystem::path folder;
  std::string family;                     // config.json's model_type; empty if it cannot be read
  std::optional<std::size_t> parameters;  // nullopt if the weights cannot be read
  std::string dtype;                      // of the largest tensor: "F32"
  std::optional<WeightMemory> memory;     // memory of the weights; nullopt if it cannot be run
  std::uint64_t bytes = 0;                // on the disk
  std::string problem;                    // the reason why it cannot be run; empty if it can
  std::string hint;                       // the remedy
};

// In the order of their names, built-in models first; each revision of a repository is an entry. Reads no weights, only
// the headers of their files.
std::vector<ListedModel> list_models();

}  // namespace stratoscope
