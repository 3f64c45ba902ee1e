// Completion scripts for shells, made from the option table: they know every command, option and fixed value, and start
// no program while somebody types.
#pragma once

#include <string>

#include "apps/cli/option_table.h"

namespace stratoscope::cli {

std::string bash_completion(const OptionTable& table);
std::string zsh_completion(const OptionTable& table);
std::string fish_completion(const OptionTable& table);

}  // namespace stratoscope::cli
