// Completion scripts for shells, generated from the option table. They contain every command, option and fixed value,
// and do not start the program while the user types.
#pragma once

#include <string>

#include "apps/cli/option_table.h"

namespace stratoscope::cli {

std::string bash_completion(const OptionTable& table);
std::string zsh_completion(const OptionTable& table);
std::string fish_completion(const OptionTable& table);

}  // namespace stratoscope::cli
