#include "stratoscope/figures/font_coverage.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/base/temporary.h"
#include "stratoscope/figures/child_process.h"
#include "stratoscope/figures/text.h"

namespace stratoscope {
namespace {

using Range = std::pair<char32_t, char32_t>;  // both ends belong to it

// Latin, Greek and Cyrillic letters, punctuation, and the arrows and superscripts that figures themselves use.
bool always_drawable(char32_t point) {
  return (point >= 0x20 && point < 0x250) || (point >= 0x391 && point <= 0x3C9 && point != 0x3A2) ||
         (point >= 0x410 && point <= 0x44F) || (point >= 0x2010 && point <= 0x2027) || point == 0x2070 ||
         (point >= 0x2074 && point <= 0x207E) || (point >= 0x2190 && point <= 0x21FF) || point == 0x2212 ||
         point == 0xFFFD;
}

// fc-list prints, for each font, "20-7e a0-377 …" in hexadecimal.
std::vector<Range> parse_ranges(std::string_view text) {
  std::vector<Range> ranges;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::uint32_t first = 0, last = 0;
    auto read = std::from_chars(at, end, first, 16);
    if (read.ec != std::errc()) {
      ++at;
      continue;
    }
    last = first;
    if (read.ptr < end && *read.ptr == '-') read = std::from_chars(read.ptr + 1, end, last, 16);
    ranges.emplace_back(first, std::max(first, last));
    at = read.ptr;
  }
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

std::vector<Range> installed_ranges() {
  try {
    const TemporaryFolder folder;
    return parse_ranges(run_program({"fc-list", "--format", "%{charset}\n"}, folder.path(), 20).output);
  } catch (const Error&) {
    return {};  // only characters that are always available are drawn then
  }
}

bool drawable(char32_t point) {
  if (always_drawable(point)) return true;
  static const std::vector<Range> ranges = installed_ranges();
  return std::any_of(ranges.begin(), ranges.end(),
                     [point](const Range& range) { return range.first <= point && point <= range.second; });
}

}  // namespace

std::string drawable_text(const std::string& text) {
  std::u32string points = code_points(text);
  for (char32_t& point : points) point = drawable(point) ? point : 0xFFFD;
  return to_utf8(points);
}

}  // namespace stratoscope
