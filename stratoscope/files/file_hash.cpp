#include "stratoscope/files/file_hash.h"

#include <xxhash.h>

#include <array>
#include <cstdint>
#include <cstdio>

#include "stratoscope/base/mapped_file.h"

namespace stratoscope {

std::string text_hash(std::string_view text) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(text.data(), text.size())));
  return digits.data();
}

std::string file_hash(const std::filesystem::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  std::string hash = text_hash({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  file.check_unchanged();
  return hash;
}

}  // namespace stratoscope
