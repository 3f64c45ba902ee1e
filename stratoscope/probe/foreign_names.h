// Names of values in other libraries (Hugging Face's modules, TransformerLens' hooks, nnsight's paths).
#pragma once

#include <string>
#include <string_view>

#include "stratoscope/model/model.h"

namespace stratoscope {

// A hint that says what the value is called here, or why it is none; empty for a name that is not known. Without a
// block in the name it is of block 0.
std::string foreign_name_hint(std::string_view name, const ModelConfig& config);

}  // namespace stratoscope
