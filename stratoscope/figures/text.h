// Text as it may appear in a picture: valid UTF-8 on one line, measured, shortened, escaped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

// The code points of `text`; a byte that is not UTF-8 becomes U+FFFD.
std::u32string code_points(std::string_view text);
std::string to_utf8(std::u32string_view text);

// One line that every format can hold: line breaks become ↵, tabs ⇥, and what has no place in a picture (control
// characters, overrides of the writing direction, non-characters, broken UTF-8) becomes U+FFFD.
std::string plain_text(std::string_view text);

// The width of plain text in pixels at a font size; an estimate on the wide side for any sans-serif font.
double text_width(std::string_view text, double font_size, bool bold = false);

// `text` unchanged where it fits into `width` pixels, else its beginning and "…".
std::string shorten(std::string_view text, double width, double font_size, bool bold = false);

// `text` broken at spaces into lines that fit into `width` pixels. What stands in “…” stays on one line where it fits.
std::vector<std::string> wrap(std::string_view text, double width, double font_size);

// & < > " ' as entities, for element content and attributes.
std::string escape_html(std::string_view text);

}  // namespace stratoscope
