// Hugging Face's module paths whose output is a hook point's value, derived from the names of a model's tensors.
#pragma once

#include <string>
#include <vector>

#include "stratoscope/model/hook_points.h"

namespace stratoscope {

struct ModuleName {
  std::string path;  // in a block: what follows the block's number, ".attn"; empty for the block itself
  Hook hook;
};

// Modules outside of blocks: "transformer.wte". "logits" is one of them.
std::vector<ModuleName> model_modules(const ModelConfig& config);
std::vector<ModuleName> block_modules(const BlockSpec& block, const TensorNames& names);
// What comes before a block's number: "transformer.h.".
std::string before_block_number(const ModelConfig& config);

// Norms of a block (".ln_1") and what TransformerLens calls them ("ln1"): their output is no hook point.
struct NormModule {
  std::string path, name;
};
std::vector<NormModule> norm_modules(const ModelConfig& config);

}  // namespace stratoscope
