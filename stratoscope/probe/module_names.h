// Hugging Face's module paths whose output is a hook point's value, derived from the names of a model's tensors.
#pragma once

#include <string>
#include <vector>

#include "stratoscope/model/hook_points.h"

namespace stratoscope {

struct ModuleName {
  std::string path;  // in a block: the part after the block's number, ".attn"; empty for the block itself
  Hook hook;
};

// Modules outside of blocks, such as "transformer.wte" and "logits".
std::vector<ModuleName> model_modules(const ModelConfig& config);
std::vector<ModuleName> block_modules(const BlockSpec& block, const TensorNames& names);
// The prefix of a block's number: "transformer.h.".
std::string before_block_number(const ModelConfig& config);

// Norms of a block (".ln_1") and their names in TransformerLens ("ln1"); their output is not a hook point.
struct NormModule {
  std::string path, name;
};
std::vector<NormModule> norm_modules(const ModelConfig& config);

}  // namespace stratoscope
