// The checkpoints of families that tests/oracle/families wrote, each with the values that NumPy computes.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stratoscope/base/mapped_file.h"

namespace stratoscope::test {

// The folders of a list, "cases.json"; empty if the cases were not made. CTest makes them first, unless there is no
// NumPy.
inline std::vector<std::filesystem::path> family_cases(const char* list) {
  const std::filesystem::path folder = FAMILY_ORACLE_DIR;
  std::vector<std::filesystem::path> cases;
  if (std::filesystem::exists(folder / list))
    for (const auto& name : nlohmann::json::parse(read_text_file(folder / list)))
      cases.push_back(folder / name.get<std::string>());
  return cases;
}

inline constexpr const char* kNoFamilyOracle =
    "no cases: run CTest's oracle.family_cases, which needs python3 with numpy";

}  // namespace stratoscope::test
