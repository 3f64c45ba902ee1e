#include "apps/cli/table.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>
#include <cmath>

#include "stratoscope/base/names.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope::cli {

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); i += utf8_length(static_cast<unsigned char>(text[i]))) {
    const int columns = ::wcwidth(static_cast<wchar_t>(decode_code_point(text, i)));
    width += columns < 0 ? 1 : static_cast<std::size_t>(columns);
  }
  return width;
}

std::size_t terminal_columns() {
  winsize size{};
  constexpr std::size_t kUsual = 100;
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

std::string fixed(double number, int decimals) {
  return std::isnan(number) ? "nan" : fmt::format("{:.{}f}", number, decimals);
}

std::string signed_fixed(double number, int decimals) {
  return std::isnan(number) ? "nan" : fmt::format("{:+.{}f}", number, decimals);
}

Table::Table(std::vector<std::string> titles) : titles_(std::move(titles)) {
  for (std::string& title : titles_) {
    right_.push_back(title.starts_with('>'));
    if (right_.back()) title.erase(0, 1);
    title = without_controls(title);
  }
}

void Table::add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = without_controls(cell);
  rows_.push_back(std::move(row));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const std::string& title : titles_) widths.push_back(display_width(title));
  for (const auto& row : rows_)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], display_width(row[c]));
  std::string text;
  const auto append = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - display_width(row[c]), ' ');
      line += "  " + (right_[c] ? padding + row[c] : row[c] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  if (std::any_of(titles_.begin(), titles_.end(), [](const std::string& title) { return !title.empty(); }))
    append(titles_);
  for (const auto& row : rows_) append(row);
  return text;
}

}  // namespace stratoscope::cli
