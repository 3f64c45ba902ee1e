// Which of the processor's instruction sets the kernels use.
#pragma once

namespace stratoscope {

// The best one that this processor has and that STRATOSCOPE_MAX_ISA (SSE4, AVX2, AVX512 or AMX) allows: one of these,
// or Highway's name of another. Bit promises hold within one. Throws Error for another value of that variable.
const char* instruction_set();

// The same for products in Arithmetic::bf16: "AMX" where the processor multiplies bfloat16 numbers by it, the system
// lets it and that variable allows it.
const char* bfloat16_instruction_set();
bool uses_amx();

// Holds the kernels to it; throws likewise. Before the first kernel runs.
void limit_instruction_set();

}  // namespace stratoscope
