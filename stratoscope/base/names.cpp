#include "stratoscope/base/names.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace stratoscope {
namespace {

// Levenshtein distance: the smallest number of insertions, deletions and replacements.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replace = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

bool continues_a_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// The number of bytes of the UTF-8 character at the beginning of the text; 0 if it is invalid.
std::size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length), continues_a_character))
    return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  const bool wrong = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||  // overlong; a surrogate
                     (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);    // overlong; too large
  return wrong ? 0 : length;
}

// U+0000 to U+001F and U+007F to U+009F; direction marks, overrides and isolates; line separators.
bool commands_a_terminal(std::string_view character) {
  if (character.size() == 1) return static_cast<unsigned char>(character[0]) < 0x20 || character[0] == 0x7F;
  return (character >= "\xC2\x80" && character <= "\xC2\x9F") || character == "\u061C" ||
         (character >= "\u200E" && character <= "\u200F") || (character >= "\u2028" && character <= "\u202E") ||
         (character >= "\u2066" && character <= "\u2069");
}

}  // namespace

std::string without_controls(std::string_view text, std::string_view kept) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = character_length(text.substr(i));
    const std::string_view character = text.substr(i, std::max<std::size_t>(1, length));
    const bool stays = length == 1 && kept.find(character) != std::string_view::npos;
    if (stays || (length > 0 && !commands_a_terminal(character)))
      shown += character;
    else
      for (const char c : character) {
        const auto byte = static_cast<unsigned char>(c);
        shown += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      }
    i += character.size();
  }
  return shown;
}

std::string shortened(std::string_view text, std::size_t most) {
  constexpr std::string_view kMiddle = " … ";
  if (text.size() <= most) return std::string(text);
  const std::size_t room = most - kMiddle.size();
  std::size_t head = room * 2 / 3, tail = text.size() - (room - head);
  while (head > 0 && continues_a_character(text[head])) --head;
  while (tail < text.size() && continues_a_character(text[tail])) ++tail;
  return std::string(text.substr(0, head)).append(kMiddle).append(text.substr(tail));
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::size_t end = std::min(text.size(), kLongest);
  while (end < text.size() && end > 0 && continues_a_character(text[end])) --end;
  return "'" + without_controls(text.substr(0, end)) + (end < text.size() ? "…'" : "'");
}

std::vector<std::string> nearest_names(std::string_view name, const std::vector<std::string>& candidates,
                                       std::size_t count) {
  const std::size_t reach = std::max<std::size_t>(2, name.size() / 3);
  std::vector<std::pair<std::size_t, const std::string*>> near;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = std::max(candidate.size(), name.size());
    if (longer - std::min(candidate.size(), name.size()) > reach) continue;
    const std::size_t distance = edit_distance(name, candidate);
    if (distance <= reach) near.emplace_back(distance, &candidate);
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(count, near.size()); ++i) names.push_back(*near[i].second);
  return names;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const std::vector<std::string> names = nearest_names(name, candidates);
  std::string hint;
  for (std::size_t i = 0; i < names.size(); ++i)
    hint += (i == 0 ? "did you mean " : i + 1 == names.size() ? " or " : ", ") + in_quotes(names[i]);
  return hint.empty() ? hint : hint + "?";
}

}  // namespace stratoscope
