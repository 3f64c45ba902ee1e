// Which of the processor's instruction sets the kernels use.
#pragma once

namespace stratoscope {

// The best one that this processor has and that STRATOSCOPE_MAX_ISA (SSE4, AVX2, AVX512, AVX512_BF16 or AMX; on ARM
// NEON) allows: SSE4, AVX2, AVX512, NEON, or Highway's name of another. Bit promises hold within one. Throws Error for
// another value of that variable.
const char* instruction_set();

// What multiplies in Arithmetic::bf16, where the processor has it, the system lets this process use it, and that
// variable allows it.
enum class Bfloat16Kernels { widening, dot_products, amx };
Bfloat16Kernels bfloat16_kernels();
const char* name_of(Bfloat16Kernels kernels);  // AMX, AVX512_BF16, or instruction_set()

// Holds the kernels to it; throws likewise. Before the first kernel runs.
void limit_instruction_set();

}  // namespace stratoscope
