// The manual page, generated from the option table.
#pragma once

#include <string>

#include "apps/cli/option_table.h"

namespace stratoscope::cli {

// In the macros of groff_man, UTF-8. Options that several commands share are explained once.
std::string manual_page(const OptionTable& table);

}  // namespace stratoscope::cli
