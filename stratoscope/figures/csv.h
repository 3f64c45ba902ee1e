// The numbers behind a figure, for a spreadsheet or a data frame.
#pragma once

#include <string>
#include <string_view>

#include "stratoscope/figures/figure.h"

namespace stratoscope {

// RFC 4180, one row per number, with the columns panel, series, x, y, value. x and y are category labels (or numbers
// on a numeric axis); y is filled for heat maps alone; series names a line or a reference. Nothing is sampled; a
// value that is not finite is an empty field. Lines end in CRLF, numbers are written so that they read back exactly.
std::string csv(const Figure& figure);

// A field, in quotes where it must be; a number that reads back exactly, nothing for one that is not finite.
std::string csv_field(std::string_view text);
std::string csv_number(double value);

}  // namespace stratoscope
