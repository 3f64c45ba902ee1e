#include "stratoscope/corpus/text_repair.h"

#include <algorithm>
#include <charconv>

#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::size_t kEscape = 6;  // length of \uXXXX

// The code of the escape \uXXXX at `at`; 0 if there is none.
unsigned escaped_at(std::string_view line, std::size_t at) {
  if (line.size() - at < kEscape || line[at] != '\\' || line[at + 1] != 'u') return 0;
  unsigned number = 0;
  const char *begin = line.data() + at + 2, *end = line.data() + at + kEscape;
  return std::from_chars(begin, end, number, 16).ptr == end ? number : 0;
}

bool is_high(unsigned number) { return number >= 0xD800 && number < 0xDC00; }
bool is_low(unsigned number) { return number >= 0xDC00 && number < 0xE000; }

std::size_t find_lone_surrogate(std::string_view line, std::size_t from) {
  for (std::size_t at = line.find('\\', from); at != std::string_view::npos; at = line.find('\\', at)) {
    const unsigned number = escaped_at(line, at);
    const bool is_pair = is_high(number) && is_low(escaped_at(line, at + kEscape));
    if (!is_pair && (is_high(number) || is_low(number))) return at;
    at += is_pair ? 2 * kEscape : number != 0 ? kEscape : 2;
    if (at >= line.size()) break;
  }
  return line.size();
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++found;
  return found;
}

}  // namespace

std::size_t find_lone_surrogate(std::string_view line) { return find_lone_surrogate(line, 0); }

std::size_t replace_invalid(std::string& line) {
  std::size_t replaced = 0;
  if (find_invalid_utf8(line) < line.size()) {
    const std::size_t before = count(line, kReplacement);
    line = sanitize_utf8(line);
    replaced = count(line, kReplacement) - before;
  }
  for (std::size_t at = 0; (at = find_lone_surrogate(line, at)) < line.size(); at += kEscape, ++replaced)
    line.replace(at, kEscape, "\\ufffd");
  return replaced;
}

}  // namespace stratoscope
