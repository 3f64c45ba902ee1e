#include "stratoscope/ops/instruction_set.h"

#include <hwy/highway.h>

#include <dnnl.hpp>
#include <mutex>

namespace stratoscope {
namespace {

#if HWY_ARCH_X86
// Highway's better targets have lower bits.
std::int64_t targets_beyond(dnnl::cpu_isa isa) {
  switch (isa) {
    case dnnl::cpu_isa::sse41:
    case dnnl::cpu_isa::avx: return HWY_SSE4 - 1;
    case dnnl::cpu_isa::avx2: return HWY_AVX2 - 1;
    default: return may_use_avx512() ? 0 : HWY_AVX2 - 1;
  }
}
#endif

}  // namespace

bool may_use_avx512() {
  const auto has = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto core = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return (has & core) == core;
}

void limit_instruction_set() {
#if HWY_ARCH_X86
  static std::once_flag once;
  std::call_once(once, [] {
    if (const auto beyond = targets_beyond(dnnl::get_effective_cpu_isa()); (hwy::SupportedTargets() & beyond) != 0)
      hwy::DisableTargets(beyond);
  });
#endif
}

const char* instruction_set() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41: return "SSE41";
    case dnnl::cpu_isa::avx: return "AVX";
    case dnnl::cpu_isa::avx2: return "AVX2";
    case dnnl::cpu_isa::avx512_core: return "AVX512_CORE";
    case dnnl::cpu_isa::avx512_core_vnni: return "AVX512_CORE_VNNI";
    case dnnl::cpu_isa::avx512_core_bf16: return "AVX512_CORE_BF16";
    case dnnl::cpu_isa::avx512_core_amx: return "AVX512_CORE_AMX";
    default: return "other";
  }
}

}  // namespace stratoscope
