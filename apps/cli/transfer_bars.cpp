#include "apps/cli/transfer_bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "apps/cli/table.h"
#include "stratoscope/hub/known_models.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope::cli {
namespace {

constexpr std::size_t kBarWidth = 20;

std::string time_text(double seconds) {
  constexpr double kMinute = 60, kHour = 3600;
  if (!(seconds < 100 * kHour)) return "";
  if (seconds < 2 * kMinute) return fmt::format("{:.0f} s left", std::ceil(seconds));
  if (seconds < 2 * kHour) return fmt::format("{:.0f} min left", std::ceil(seconds / kMinute));
  return fmt::format("{:.0f} h left", std::ceil(seconds / kHour));
}

// A line may not be broken by the terminal: then the cursor would come back to another place.
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

std::string bar(std::size_t done, std::size_t total) {
  const std::size_t full = total == 0 ? kBarWidth : kBarWidth * std::min(done, total) / total;
  return "[" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "]";
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
  std::size_t complete = 0, name_width = 0;
  for (const ProgressPart& part : parts)
    if (part.done < part.total || !part.note.empty()) name_width = std::max(name_width, display_width(part.name));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const ProgressPart& part = parts[i];
    if (part.total > 0 && part.done >= part.total && part.note.empty()) ++complete;
    if (part.note.empty() && part.done >= part.total) continue;
    const std::string name = part.name + std::string(name_width - display_width(part.name), ' ');
    const double rate = rate_of(i, part.done, now);
    const std::string size = part.total == 0 ? "" : size_text(part.done) + " of " + size_text(part.total);
    std::string state = part.note;
    if (state.empty() && rate > 0)
      state = fmt::format("{}/s  {}", size_text(static_cast<std::uint64_t>(rate)),
                          time_text(static_cast<double>(part.total - part.done) / rate));
    lines.push_back(part.total == 0 ? name + "  " + state
                                    : fmt::format("{}  {} {:>18}  {}", name, bar(part.done, part.total), size, state));
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
