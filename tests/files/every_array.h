// Every array of an archive: a program reads those that it needs.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "stratoscope/files/npz.h"

namespace stratoscope::testing {

inline std::map<std::string, StoredArray> every_array(const std::filesystem::path& path,
                                                      std::size_t max_expansion = kMaxNpzExpansion) {
  NpzFile file(path, max_expansion);
  std::map<std::string, StoredArray> arrays;
  for (const std::string& name : file.names()) arrays.emplace(name, file.read(name));
  return arrays;
}

}  // namespace stratoscope::testing
