#include "stratoscope/model/precision.h"

#include "stratoscope/ops/instruction_set.h"

namespace stratoscope {

const char* instruction_set_of(Precision precision) {
  return precision == Precision::bf16 ? name_of(bfloat16_kernels()) : instruction_set();
}

}  // namespace stratoscope
