#include "stratoscope/figures/text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace stratoscope {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::string_view kOpening = "“", kClosing = "”";

// Reads one code point at `i` and moves past it; for invalid UTF-8, kReplacement and one byte.
char32_t next_code_point(std::string_view text, std::size_t& i) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(i++);
  if (first < 0x80) return first;
  const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  if (first < 0xC2 || first > 0xF4 || i + more > text.size()) return kReplacement;
  char32_t point = first & (0x3Fu >> more);
  for (std::size_t k = 0; k < more; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return kReplacement;
    point = point << 6 | (byte(i + k) & 0x3F);
  }
  constexpr std::array<char32_t, 4> kSmallest{0, 0x80, 0x800, 0x10000};
  if (point < kSmallest[more] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return kReplacement;
  i += more;
  return point;
}

char32_t picture_form(char32_t point) {
  if (point == U'\n' || point == 0x2028 || point == 0x2029) return U'↵';
  if (point == U'\t') return U'⇥';
  const bool control = point < 0x20 || (point >= 0x7F && point < 0xA0);
  const bool direction = (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
  const bool not_a_character = (point & 0xFFFE) == 0xFFFE || (point >= 0xFDD0 && point <= 0xFDEF);
  return control || direction || not_a_character ? kReplacement : point;
}

// Advance widths of DejaVu Sans in em, rounded up; characters past the Latin script count as a full em.
double width_in_em(char32_t point) {
  if (point >= 0x2190) return point >= 0x1F000 || (point >= 0x1100 && point < 0xFF00) ? 1.3 : 1.0;
  if (point >= 0x250) return point >= 0x2070 && point < 0x20A0 ? 0.42 : point >= 0x2000 ? 0.84 : 0.8;
  const auto in = [point](std::string_view set) {
    return point < 0x80 && set.find(static_cast<char>(point)) != std::string_view::npos;
  };
  if (in("ijl.,:;'|! I")) return 0.34;
  if (in("()[]ftr/\\-\"`")) return 0.44;
  if (in("mMW@%")) return 1.0;
  if (in("wGOQDNHUCV&+<>=~#A")) return 0.84;
  return 0.65;
}

double width_of(std::u32string_view points, double font_size, bool bold) {
  double em = 0;
  for (const char32_t point : points) em += width_in_em(point);
  return em * font_size * (bold ? 1.12 : 1.0);
}

}  // namespace

std::u32string code_points(std::string_view text) {
  std::u32string points;
  for (std::size_t i = 0; i < text.size();) points.push_back(next_code_point(text, i));
  return points;
}

std::string to_utf8(std::u32string_view text) {
  std::string bytes;
  const auto put = [&bytes](char32_t value) { bytes.push_back(static_cast<char>(value)); };
  for (const char32_t point : text) {
    if (point < 0x80) {
      put(point);
    } else if (point < 0x800) {
      put(0xC0 | point >> 6), put(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
      put(0xE0 | point >> 12), put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
    } else {
      put(0xF0 | point >> 18), put(0x80 | (point >> 12 & 0x3F)), put(0x80 | (point >> 6 & 0x3F));
      put(0x80 | (point & 0x3F));
    }
  }
  return bytes;
}

std::string plain_text(std::string_view text) {
  std::u32string points;
  char32_t previous = 0;
  for (const char32_t point : code_points(text)) {
    if (point == U'\n' && previous == U'\r') points.pop_back();
    points.push_back(point == U'\r' ? U'↵' : picture_form(point));
    previous = point;
  }
  return to_utf8(points);
}

std::string visible_spaces(std::string_view text) {
  std::u32string points = code_points(plain_text(text));
  for (char32_t& point : points) point = point == U' ' ? U'·' : point;
  return to_utf8(points);
}

double text_width(std::string_view text, double font_size, bool bold) {
  return width_of(code_points(text), font_size, bold);
}

std::string shorten(std::string_view text, double width, double font_size, bool bold) {
  std::u32string points = code_points(text);
  if (points.empty() || width_of(points, font_size, bold) <= width) return std::string(text);
  // Keeps a closing quotation mark, so that a shortened token is still quoted.
  const bool quoted = points.back() == U'”';
  const std::u32string_view ending = quoted ? U"…”" : U"…";
  double room = width - width_of(ending, font_size, bold);
  std::size_t kept = 0;
  for (; kept < points.size(); ++kept) {
    room -= width_of({&points[kept], 1}, font_size, bold);
    if (room < 0) break;
  }
  points.resize(kept);
  return to_utf8(points) + to_utf8(ending);
}

namespace {

// The end of the first part of `text` that a line may end with: a space outside of “…”.
std::size_t part_end(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') return i;
    if (!text.substr(i).starts_with(kOpening)) continue;
    const std::size_t closing = text.find(kClosing, i);
    if (closing != std::string_view::npos) i = closing + kClosing.size() - 1;
  }
  return text.size();
}

// The same for a quotation wider than a line: any space that does not touch its marks.
std::size_t word_end(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool touches = text.substr(0, i).ends_with(kOpening) || text.substr(i + 1).starts_with(kClosing);
    if (text[i] == ' ' && !touches) return i;
  }
  return text.size();
}

}  // namespace

std::vector<std::string> wrap(std::string_view text, double width, double font_size) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    std::size_t end = part_end(text);
    if (text_width(text.substr(0, end), font_size) > width) end = word_end(text);
    const std::string word(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string longer = line.empty() ? word : line + " " + word;
    if (text_width(longer, font_size) > width && !line.empty()) {
      lines.push_back(line);
      line = word;
    } else {
      line = longer;
    }
  }
  if (!line.empty()) lines.push_back(line);
  for (std::string& each : lines) each = shorten(each, width, font_size);
  return lines;
}

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

}  // namespace stratoscope
