#include "apps/cli/transfer_bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "apps/cli/table.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/known_models.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope::cli {
namespace {

std::string time_text(double seconds) {
  constexpr double kMinute = 60, kHour = 3600;
  if (!(seconds < 100 * kHour)) return "";
  if (seconds < 2 * kMinute) return fmt::format("{:.0f} s left", std::ceil(seconds));
  if (seconds < 2 * kHour) return fmt::format("{:.0f} min left", std::ceil(seconds / kMinute));
  return fmt::format("{:.0f} h left", std::ceil(seconds / kHour));
}

// Names of hosts and files in a form that is safe for a terminal.
std::string shown(const std::string& name, bool shortened) {
  constexpr std::string_view kUsual = ".safetensors";
  std::string text = without_controls(name);
  if (shortened && text.ends_with(kUsual)) text.resize(text.size() - kUsual.size());
  return text;
}

// Cut to the width of the terminal: a wrapped line would put the cursor in the wrong place.
std::string fitted(std::string_view line, std::size_t columns) {
  std::string text;
  for (std::size_t i = 0; i < line.size();) {
    const std::size_t length = utf8_length(static_cast<unsigned char>(line[i]));
    const std::string_view character = line.substr(i, length);
    if (display_width(text) + display_width(character) >= columns) break;
    text += character;
    i += length;
  }
  return text;
}

// With a space after it; empty if there is no space for a bar.
std::string bar(std::size_t done, std::size_t total, std::size_t width) {
  if (width == 0) return {};
  const double share = total == 0 ? 1 : static_cast<double>(std::min(done, total)) / static_cast<double>(total);
  const auto full = static_cast<std::size_t>(share * static_cast<double>(width));
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "] ";
}

bool is_shown(const ProgressPart& part) { return part.done < part.total || !part.note.empty(); }

// When space is short, names are shortened first, then bars are left out, and at last sizes and rates are cut.
struct Widths {
  std::size_t name = 0, bar = 0;
  bool shortened = false;
};

std::size_t longest_name(std::span<const ProgressPart> parts, bool shortened) {
  std::size_t width = 0;
  for (const ProgressPart& part : parts)
    if (is_shown(part)) width = std::max(width, display_width(shown(part.name, shortened)));
  return width;
}

Widths widths_for(std::span<const ProgressPart> parts, std::size_t columns) {
  constexpr std::size_t kBeside = 2 + 18 + 2 + 26;  // the size, "the hub asks to wait 600 s", and spaces
  constexpr std::size_t kFrame = 3, kShortestBar = 5, kLongestBar = 20, kShortestName = 10;
  const std::size_t room = columns > kBeside ? columns - kBeside - 1 : 0;
  Widths widths;
  widths.shortened = room < longest_name(parts, false) + kFrame + kShortestBar;
  widths.name = longest_name(parts, widths.shortened);
  widths.name = std::min(widths.name, std::max(room, kShortestName));
  if (room >= widths.name + kFrame + kShortestBar) widths.bar = std::min(room - widths.name - kFrame, kLongestBar);
  return widths;
}

}  // namespace

double TransferBars::rate_of(std::size_t part, std::size_t done, Clock::time_point now) {
  constexpr double kForget = 2;  // seconds
  const auto [found, is_new] = rates_.try_emplace(part, Rate{now, done, 0});
  Rate& rate = found->second;
  const double seconds = std::chrono::duration<double>(now - rate.since).count();
  if (is_new || seconds <= 0) return rate.bytes_per_second;
  const double current = done > rate.done ? static_cast<double>(done - rate.done) / seconds : 0;
  const double weight = rate.bytes_per_second > 0 ? 1 - std::exp(-seconds / kForget) : 1;
  rate = {now, done, rate.bytes_per_second + weight * (current - rate.bytes_per_second)};
  return rate.bytes_per_second;
}

std::string TransferBars::draw(std::span<const ProgressPart> parts, Clock::time_point now, std::size_t columns,
                               std::size_t rows) {
  std::vector<std::string> lines;
  std::size_t complete = 0;
  const Widths widths = widths_for(parts, columns);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const ProgressPart& part = parts[i];
    if (part.total > 0 && part.done >= part.total && part.note.empty()) ++complete;
    if (!is_shown(part)) continue;
    std::string name = fitted(shown(part.name, widths.shortened), widths.name + 1);
    name += std::string(widths.name - display_width(name), ' ');
    const double rate = rate_of(i, part.done, now);
    const std::string size = part.total == 0 ? "" : size_text(part.done) + " of " + size_text(part.total);
    std::string state = without_controls(part.note);
    if (state.empty() && rate > 0)
      state = fmt::format("{}/s  {}", size_text(static_cast<std::uint64_t>(rate)),
                          time_text(static_cast<double>(part.total - part.done) / rate));
    lines.push_back(part.total == 0
                        ? fmt::format("{}  {}", name, state)
                        : fmt::format("{}  {}{:>18}  {}", name, bar(part.done, part.total, widths.bar), size, state));
  }
  if (complete > 0) lines.insert(lines.begin(), fmt::format("{} file{} complete", complete, complete == 1 ? "" : "s"));
  if (lines.size() + 1 > rows) lines.resize(std::max<std::size_t>(1, rows - 1));
  std::string text = clear();
  for (const std::string& line : lines) text += fitted(line, columns) + "\n";
  lines_ = lines.size();
  return text;
}

std::string TransferBars::clear() {
  std::string text;
  if (lines_ > 0) text = fmt::format("\033[{}A\r\033[J", lines_);
  lines_ = 0;
  return text;
}

}  // namespace stratoscope::cli
