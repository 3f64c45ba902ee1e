#include "stratoscope/base/names.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace stratoscope {
namespace {

// Levenshtein's distance: the fewest letters to insert, remove or replace.
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

}  // namespace

std::string without_controls(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string shown;
  shown.reserve(text.size());
  const auto show_code = [&](unsigned char byte) { shown += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]}; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F: a terminal may take them for the beginning of a command.
    const bool is_two = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) - 0x80U < 0x20U;
    if (byte >= 0x20 && byte != 0x7F && !is_two) {
      shown += text[i];
      continue;
    }
    show_code(byte);
    if (is_two) show_code(static_cast<unsigned char>(text[++i]));
  }
  return shown;
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
