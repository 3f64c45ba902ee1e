// Names of values in other libraries (Hugging Face's modules, TransformerLens' hooks, nnsight's paths).
#pragma once

#include <string>
#include <string_view>

#include "stratoscope/model/model.h"

namespace stratoscope {

// A hint with the name of the value in this library, or with the reason why it is not a hook point; empty for an
// unknown name. A name without a block means block 0.
std::string foreign_name_hint(std::string_view name, const ModelConfig& config);

}  // namespace stratoscope
