// The precision of a model's arithmetic.
#pragma once

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// The arithmetic of the products with weights; everything else is float32 in the engine.
enum class Precision {
  fp32,  // float32, as in PyTorch
  bf16,  // bfloat16 numbers, 8 bits; half the memory
  fp64,  // the plain reference path, completely in double: slow, for verification
};

// The instruction set that determines the bits of this precision's results: "AVX512", in bf16 perhaps "AMX".
const char* instruction_set_of(Precision precision);

}  // namespace stratoscope
