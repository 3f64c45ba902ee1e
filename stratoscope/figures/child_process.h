// Runs a program to its end, without a shell.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "stratoscope/base/progress.h"

namespace stratoscope {

struct Outcome {
  bool found = true;  // false: the program is not on the PATH
  bool timed_out = false;
  int status = 0;  // exit status, or 128 + the number of the signal that ended it
  std::string output, errors;
};

// Runs arguments[0] (looked up on the PATH) in `folder` without standard input, and ends it after `seconds` or when
// `progress` is cancelled. The program and its descendants end when this returns or when this process ends (also by
// kill -9); signals of a terminal to the process group of this program do not reach them. Throws Error if the system
// cannot start a process, Interrupted when cancelled.
Outcome run_program(const std::vector<std::string>& arguments, const std::filesystem::path& folder, double seconds,
                    const Progress* progress = nullptr);

}  // namespace stratoscope
