// A disk that fails on request: all writes of this program go through here (see CMakeLists.txt).
#pragma once

#include <cstdint>

namespace stratoscope::testing {

inline constexpr std::uint64_t kEndless = UINT64_MAX;

struct Disk {
  // How many bytes may still be written, and how many calls that write, make, sync or rename something may still
  // succeed. Past either they fail with `error`.
  std::uint64_t room = kEndless, calls = kEndless;
  int error = 0;
  // Bytes and calls since the last reset.
  std::uint64_t written = 0, called = 0;
};

Disk& disk();
// A disk that works, its counts at zero.
void repair_disk();

}  // namespace stratoscope::testing
