// Prepares gnuplot's SVG file for embedding in a web page.
#pragma once

#include <string>
#include <string_view>

namespace stratoscope {

// Removes the XML head, sets the title `title` (escaped here), adds `prefix` to every id, and shortens the elements of
// points and cells without changing their look.
std::string inline_svg(std::string_view svg, const std::string& title, const std::string& prefix);

}  // namespace stratoscope
