// The built-in model's session, opened once, and the goldens' texts.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "stratoscope/base/mapped_file.h"
#include "stratoscope/session/session.h"

namespace stratoscope::test {

inline const std::filesystem::path kSource = STRATOSCOPE_SOURCE_DIR;

inline const Session& built_in(Precision precision = Precision::fp32) {
  const auto open = [](Precision p) { return Session({(kSource / "models/novella-7m").string(), p, 0, nullptr}); };
  static const Session single = open(Precision::fp32), exact = open(Precision::fp64);
  return precision == Precision::fp64 ? exact : single;
}

inline nlohmann::json golden(const char* name) {
  return nlohmann::json::parse(read_text_file(kSource / "tests/golden" / name));
}

inline constexpr const char* kPenguins = "A wise man once said: Penguins are cute.";

}  // namespace stratoscope::test
