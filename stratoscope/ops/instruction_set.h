// Which of the processor's instruction sets the kernels use.
#pragma once

namespace stratoscope {

// The best one that this processor has and that STRATOSCOPE_MAX_ISA (SSE4, AVX2 or AVX512; on ARM NEON) allows: one of
// these, or Highway's name of another. Bit promises hold within one. Throws Error for another value of that variable.
const char* instruction_set();

// Holds the kernels to it; throws likewise. Before the first kernel runs.
void limit_instruction_set();

}  // namespace stratoscope
