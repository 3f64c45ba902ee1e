// Which of the processor's instruction sets the kernels use.
#pragma once

namespace stratoscope {

// The best one that this processor has and that STRATOSCOPE_MAX_ISA (SSE4, AVX2, AVX512 or AMX) allows: SSE4, AVX2,
// AVX512, or Highway's name of another. Bit promises hold within one. Throws Error for another value of that variable.
const char* instruction_set();

// Whether AMX multiplies in Arithmetic::bf16: the processor has it, the system lets this process use it, and that
// variable allows it. The kernels of instruction_set() do it elsewhere.
bool uses_amx();

// The one of products in Arithmetic::bf16: AMX or instruction_set().
const char* bfloat16_instruction_set();

// Holds the kernels to it; throws likewise. Before the first kernel runs.
void limit_instruction_set();

}  // namespace stratoscope
