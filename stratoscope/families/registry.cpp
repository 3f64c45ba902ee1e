#include "stratoscope/families/registry.h"

namespace stratoscope {

std::span<const Family> families() {
  static constexpr Family kFamilies[] = {
      {"gpt2", "GPT-2", gpt2},
  };
  return kFamilies;
}

}  // namespace stratoscope
