// gnuplot's svg file made fit for the inside of a web page.
#pragma once

#include <string>
#include <string_view>

namespace stratoscope {

// Drops the XML head, names the picture `title` (escaped here), puts `prefix` before every id, and writes the many
// points and cells in short forms that look the same.
std::string inline_svg(std::string_view svg, const std::string& title, const std::string& prefix);

}  // namespace stratoscope
