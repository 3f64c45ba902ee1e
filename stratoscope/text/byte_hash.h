// A fast hash of few bytes, for tables in memory; not safe against chosen input.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace stratoscope {

inline std::uint64_t byte_hash(std::string_view bytes) {
  const auto stir = [](std::uint64_t hash, std::string_view part) {
    std::uint64_t word = 0;
    std::memcpy(&word, part.data(), part.size());
    hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 29;
  };
  std::uint64_t hash = bytes.size();
  for (; bytes.size() >= sizeof hash; bytes.remove_prefix(sizeof hash)) hash = stir(hash, bytes.substr(0, sizeof hash));
  if (!bytes.empty()) hash = stir(hash, bytes);
  hash *= 0xBF58476D1CE4E5B9U;  // every byte reaches every bit
  return hash ^ hash >> 32;
}

}  // namespace stratoscope
