#include "stratoscope/hub/nonfinite_tensors.h"

#include <cstddef>
#include <cstdint>

#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/ops/finite.h"

namespace stratoscope {

bool has_nonfinite(const StoredTensor& stored) {
  switch (stored.dtype) {
    case DType::f64: return has_full_exponent(stored.bytes, std::uint64_t{0x7ff0000000000000U});
    case DType::f32: return has_full_exponent(stored.bytes, std::uint32_t{0x7f800000U});
    case DType::f16: return has_full_exponent(stored.bytes, std::uint16_t{0x7c00U});
    case DType::bf16: return has_full_exponent(stored.bytes, std::uint16_t{0x7f80U});
    default: return false;
  }
}

std::vector<std::string> names_of_nonfinite(std::span<const std::pair<std::string, StoredTensor>> tensors) {
  std::vector<char> bad(tensors.size(), 0);
  parallel_for(tensors.size(), [&](std::size_t i) {
    bad[i] = has_nonfinite(tensors[i].second) ? 1 : 0;
    MappedFile::release_pages(tensors[i].second.bytes);  // a model is not to be in memory twice while it is packed
  });
  std::vector<std::string> names;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (bad[i] != 0) names.push_back(tensors[i].first);
  return names;
}

}  // namespace stratoscope
