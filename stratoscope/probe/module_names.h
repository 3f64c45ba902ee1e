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

// Modules outside of blocks, such as "transformer.wte" and "logits"; a hook of blocks is that of the first one.
std::vector<ModuleName> model_modules(const ModelConfig& config);
std::vector<ModuleName> block_modules(const BlockSpec& block, const TensorNames& names);
// The prefix of a block's number: "transformer.h.".
std::string before_block_number(const ModelConfig& config);

}  // namespace stratoscope
