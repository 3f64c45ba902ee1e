// The instruction sets that the kernels use.
#pragma once

namespace stratoscope {

// The best one that this processor has and that STRATOSCOPE_MAX_ISA (SSE4, AVX2, AVX512, AVX512_BF16 or AMX; on ARM
// NEON) allows: SSE4, AVX2, AVX512, NEON, or another name of Highway. Equal bits are promised only within one
// instruction set. Throws Error for another value of that variable.
const char* instruction_set();

// The kernels of Arithmetic::bf16 products, if the processor has them, the system lets this process use them, and that
// variable allows them.
enum class Bfloat16Kernels { widening, dot_products, amx };
Bfloat16Kernels bfloat16_kernels();
const char* name_of(Bfloat16Kernels kernels);  // AMX, AVX512_BF16, or instruction_set()

// Limits the kernels to it; throws the same errors. Call it before the first kernel runs.
void limit_instruction_set();

}  // namespace stratoscope
