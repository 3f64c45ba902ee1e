// How exactly a model computes.
#pragma once

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// The arithmetic of the products with weights; everything else is float32 in the engine.
enum class Precision {
  fp32,  // float32, what PyTorch gives
  bf16,  // bfloat16 numbers, 8 bits; half the memory
  fp64,  // the plain reference path, all of it in double: slow, for proof
};

// The instruction set whose bits results of this precision have: "AVX512", in bf16 perhaps "AMX".
const char* instruction_set_of(Precision precision);

}  // namespace stratoscope
