// Writes tokenizer.model files, field by field.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace stratoscope::sentencepiece {

inline std::string varint(std::uint64_t number) {
  std::string bytes;
  for (; number >= 128; number >>= 7) bytes += static_cast<char>(number | 128);
  return bytes + static_cast<char>(number);
}
inline std::string number_field(unsigned number, std::uint64_t value) { return varint(number << 3) + varint(value); }
inline std::string bytes_field(unsigned number, std::string_view value) {
  return varint(number << 3 | 2) + varint(value.size()) + std::string(value);
}
inline std::string real_field(unsigned number, float value) {
  std::string bytes = varint(number << 3 | 5);
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift);
  return bytes;
}

enum Type { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kByte = 6 };
enum Model { kUnigram = 1, kBpe = 2 };

inline std::string piece(std::string_view text, float score, Type type = kNormal) {
  return bytes_field(1, bytes_field(1, text) + real_field(2, score) + number_field(3, type));
}
inline std::string trainer(Model model, bool byte_fallback) {
  return bytes_field(2, number_field(3, model) + number_field(35, byte_fallback ? 1 : 0));
}
inline std::string normalizer(bool dummy_prefix, bool remove_extra, std::string_view name = "identity") {
  return bytes_field(
      3, bytes_field(1, name) + number_field(3, dummy_prefix ? 1 : 0) + number_field(4, remove_extra ? 1 : 0));
}

}  // namespace stratoscope::sentencepiece
