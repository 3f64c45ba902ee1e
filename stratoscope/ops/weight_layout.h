// The memory layout of a weight matrix.
#pragma once

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

enum class WeightLayout {
  in_out,  // [in, out], as Hugging Face's Conv1D stores them
  out_in,  // [out, in], as an embedding table or torch.nn.Linear stores them
};

}  // namespace stratoscope
