// Which characters the installed fonts can draw. Pango draws one that no font has as a box that covers the picture.
#pragma once

#include <string>

namespace stratoscope {

// `text` with U+FFFD for each character that no installed font has. Asks fontconfig's fc-list once per process, and
// only when a text leaves the scripts that the font of the figures (DejaVu Sans) is known to have.
std::string drawable_text(const std::string& text);

}  // namespace stratoscope
