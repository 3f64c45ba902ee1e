// The cases that tests/oracle/gpt2 wrote: checkpoints, token ids, and the values that PyTorch computes for them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stratoscope/base/mapped_file.h"
#include "stratoscope/files/safetensors.h"
#include "stratoscope/model/run.h"
#include "tests/support/compare.h"

namespace stratoscope::test {

struct OracleCase {
  std::string name;
  std::filesystem::path model, folder;
  bool edits = false;

  [[nodiscard]] SafetensorsFile expected() const { return SafetensorsFile(folder / "expected.safetensors"); }
  // The largest row error of each tensor in PyTorch float32. For narrow rows the error of one order of summation
  // depends on chance, so the oracle has the largest over several orders.
  [[nodiscard]] std::map<std::string, double> pytorch_errors() const {
    const auto orders = folder / "pytorch_error_orders.json";
    return nlohmann::json::parse(
        read_text_file(std::filesystem::exists(orders) ? orders : folder / "pytorch_error.json"));
  }
  [[nodiscard]] TokenIds ids() const { return ids_of(expected().at("input_ids")); }
};

// Empty if the cases were not made. CTest makes them first, unless there is no PyTorch.
inline std::vector<OracleCase> oracle_cases() {
  const std::filesystem::path list = std::filesystem::path(GPT2_ORACLE_DIR) / "cases.json";
  std::vector<OracleCase> cases;
  if (!std::filesystem::exists(list)) return cases;
  for (const auto& entry : nlohmann::json::parse(read_text_file(list)))
    cases.push_back({entry["name"].get<std::string>(), entry["model"].get<std::string>(),
                     entry["folder"].get<std::string>(), entry["edits"].get<bool>()});
  return cases;
}

inline constexpr const char* kNoOracle =
    "no cases of PyTorch: run CTest's oracle.gpt2_cases, which needs python3 with torch";

}  // namespace stratoscope::test
