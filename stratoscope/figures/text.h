// Text for pictures: valid UTF-8 on one line, measured, shortened, escaped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

// The code points of `text`; a byte that is not UTF-8 becomes U+FFFD.
std::u32string code_points(std::string_view text);
std::string to_utf8(std::u32string_view text);

// One line that every format can represent: line breaks become ↵, tabs ⇥, and characters that must not be in a picture
// (control characters, direction overrides, non-characters, invalid UTF-8) U+FFFD.
std::string plain_text(std::string_view text);

// The same with each space as a middle dot.
std::string visible_spaces(std::string_view text);

// The width of plain text in pixels at a font size; an upper estimate for any sans-serif font.
double text_width(std::string_view text, double font_size, bool bold = false);

// `text` itself if it fits into `width` pixels, else its beginning and "…".
std::string shorten(std::string_view text, double width, double font_size, bool bold = false);

// `text` broken at spaces into lines of at most `width` pixels. A quotation in “…” stays on one line if it fits.
std::vector<std::string> wrap(std::string_view text, double width, double font_size);

// & < > " ' as entities, for element content and attributes.
std::string escape_html(std::string_view text);

}  // namespace stratoscope
