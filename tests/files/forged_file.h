// Files written byte by byte, as the formats are described and not as our writers do it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stratoscope::testing {

// `value` in `count` bytes, lowest first.
inline std::string little_endian(std::uint64_t value, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFFU);
  return bytes;
}

// A safetensors file with this header and this data.
inline std::string forged_safetensors(std::string_view header, std::string_view data) {
  std::string bytes = little_endian(header.size(), 8);
  bytes += header;
  bytes += data;
  return bytes;
}

// A .npy file of version major.0 with this header and this data.
inline std::string forged_npy(std::string_view header, std::string_view data, char major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += major;
  bytes += '\0';
  bytes += little_endian(header.size(), major == 1 ? 2 : 4);
  bytes += header;
  bytes += data;
  return bytes;
}

template <class T>
std::string bytes_of_values(const T& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0])};
}

}  // namespace stratoscope::testing
