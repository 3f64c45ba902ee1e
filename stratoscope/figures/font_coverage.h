// The characters that the installed fonts can draw. Pango draws others as a box that covers the picture.
#pragma once

#include <string>

namespace stratoscope {

// `text` with U+FFFD for each character that no installed font has. Runs fontconfig's fc-list once per process, and
// only for a text with characters outside of the scripts of the figures' font (DejaVu Sans).
std::string drawable_text(const std::string& text);

}  // namespace stratoscope
