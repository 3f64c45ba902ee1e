// The numbers of a figure, for a spreadsheet or a data frame.
#pragma once

#include <string>
#include <string_view>

#include "stratoscope/figures/figure.h"

namespace stratoscope {

// RFC 4180, one row per number, with the columns panel, series, x, y, value. x and y are category labels (or numbers on
// a numeric axis); y is set for heat maps only; series is the name of a line or a reference, or the token of a coloured
// text, whose x is the token's index. All numbers are written,
// in a form that reads back exactly; a number that is not finite is an empty field. Lines end in CRLF.
std::string csv(const Figure& figure);

// A field, quoted if necessary; a number that reads back exactly, empty if it is not finite.
std::string csv_field(std::string_view text);
std::string csv_number(double value);

}  // namespace stratoscope
