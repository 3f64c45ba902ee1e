// A program run to its end without a shell.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "stratoscope/base/progress.h"

namespace stratoscope {

struct Outcome {
  bool found = true;  // false: no such program on the PATH
  bool timed_out = false;
  int status = 0;  // exit status, 128 + the signal's number when one ended it
  std::string output, errors;
};

// Runs arguments[0] (looked up on the PATH) in `folder` with no standard input, ends it after `seconds`, or when
// `progress` says that nobody waits any more. It and all that it started end when this returns, or this process ends
// (kill -9 as well); what a terminal sends to our process group does not reach them. Throws Error when the system
// cannot start a process, Interrupted when cancelled.
Outcome run_program(const std::vector<std::string>& arguments, const std::filesystem::path& folder, double seconds,
                    const Progress* progress = nullptr);

}  // namespace stratoscope
