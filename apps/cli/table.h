// A table for a terminal: columns have the width of their content, numbers are aligned to the right.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace stratoscope::cli {

// Columns that the text takes on a terminal (wide East Asian characters take two, combining characters none).
std::size_t display_width(std::string_view text);

// The width of the terminal of standard output; 100 without one.
std::size_t terminal_columns();

// With this number of decimals; "nan" without a sign. A change has its sign.
std::string fixed(double number, int decimals);
std::string signed_fixed(double number, int decimals);

class Table {
 public:
  // A title that begins with '>' aligns its column to the right. If all titles are empty there is no header.
  explicit Table(std::vector<std::string> titles);
  // Cells are shown without control characters (stratoscope/base/names.h), so that columns stay aligned.
  void add(std::vector<std::string> row);
  // All lines, each indented by two spaces.
  std::string text() const;

 private:
  std::vector<std::string> titles_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace stratoscope::cli
