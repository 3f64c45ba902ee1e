#include "stratoscope/ops/instruction_set.h"

#include <hwy/highway.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "stratoscope/base/error.h"
#include "stratoscope/ops/amx.h"
#include "stratoscope/ops/dot_products.h"

namespace stratoscope {
namespace {

// STRATOSCOPE_MAX_ISA, or an empty string.
std::string most_allowed() {
  const char* const most = std::getenv("STRATOSCOPE_MAX_ISA");
  return most == nullptr ? "" : most;
}

// Highway's better targets have lower bits; Highway has no AMX.
std::int64_t targets_beyond(const std::string& isa) {
#if HWY_ARCH_X86
  if (isa == "SSE4") return HWY_SSE4 - 1;
  if (isa == "AVX2") return HWY_AVX2 - 1;
  if (isa == "AVX512" || isa == "AVX512_BF16" || isa == "AMX") return 0;
  throw Error("STRATOSCOPE_MAX_ISA", "no instruction set '" + isa + "' is known",
              "use SSE4, AVX2, AVX512, AVX512_BF16 or AMX");
#elif HWY_ARCH_ARM
  if (isa == "NEON") return 0;
  throw Error("STRATOSCOPE_MAX_ISA", "no instruction set '" + isa + "' is known", "use NEON");
#else
  throw Error("STRATOSCOPE_MAX_ISA", "no instruction set '" + isa + "' is known of this processor", "unset it");
#endif
}

// Finds the best target that is allowed, and limits Highway to it. After that, Highway 1.0.3 must not be asked for its
// targets, since it would then choose among all targets of the processor again.
std::int64_t best_target() {
  const std::string most = most_allowed();
  const std::int64_t beyond = most.empty() ? 0 : targets_beyond(most);
  const std::int64_t usable = hwy::SupportedTargets() & HWY_TARGETS & ~beyond;
  if (beyond != 0) hwy::DisableTargets(beyond);
  return usable == 0 ? HWY_STATIC_TARGET : usable & -usable;
}

std::int64_t chosen_target() {
  static const std::int64_t target = best_target();
  return target;
}

}  // namespace

void limit_instruction_set() { chosen_target(); }

const char* instruction_set() {
#if HWY_ARCH_ARM
  return "NEON";  // Highway has several NEON targets with the same arithmetic
#else
#if HWY_ARCH_X86
  if (chosen_target() < HWY_AVX2) return "AVX512";
#endif
  return hwy::TargetName(chosen_target());
#endif
}

const char* name_of(Bfloat16Kernels kernels) {
  switch (kernels) {
    case Bfloat16Kernels::amx: return "AMX";
    case Bfloat16Kernels::dot_products: return "AVX512_BF16";
    case Bfloat16Kernels::widening: break;
  }
  return instruction_set();
}

Bfloat16Kernels bfloat16_kernels() {
  static const Bfloat16Kernels chosen = [] {
    if (std::string_view(instruction_set()) != "AVX512") return Bfloat16Kernels::widening;
    const std::string most = most_allowed();
    if ((most.empty() || most == "AMX") && has_amx()) return Bfloat16Kernels::amx;
    const bool worth_it = most.empty() ? has_fast_dot_products() : most != "AVX512";
    return worth_it && has_dot_products() ? Bfloat16Kernels::dot_products : Bfloat16Kernels::widening;
  }();
  return chosen;
}

}  // namespace stratoscope
