// The manual page, made from the option table.
#pragma once

#include <string>

#include "apps/cli/option_table.h"

namespace stratoscope::cli {

// In man's macros (groff_man), UTF-8. Options that several commands share are explained once.
std::string manual_page(const OptionTable& table);

}  // namespace stratoscope::cli
