// Which of the processor's instruction sets the kernels use.
#pragma once

namespace stratoscope {

// The best one that this processor has and that ONEDNN_MAX_CPU_ISA (SSE41, AVX2, AVX512_CORE, …) allows, as oneDNN
// names it: "AVX512_CORE_BF16". Bit promises hold within one.
const char* instruction_set();

bool may_use_avx512();

// Holds Highway's kernels to the same limit. Before the first kernel runs.
void limit_instruction_set();

}  // namespace stratoscope
