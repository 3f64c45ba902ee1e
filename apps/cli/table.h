// A table for a terminal: columns as wide as they must be, numbers to the right.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace stratoscope::cli {

// Columns that a terminal gives the text (wide East Asian characters count twice, combining ones not at all).
std::size_t display_width(std::string_view text);

// With so many decimals, and for a change with its sign; "nan" without the sign that it may have.
std::string fixed(double number, int decimals);
std::string signed_fixed(double number, int decimals);

class Table {
 public:
  // A title that begins with '>' aligns its column to the right. Without any title there is no header.
  explicit Table(std::vector<std::string> titles);
  // Cells are shown without controls (stratoscope/base/names.h), so that columns stay straight.
  void add(std::vector<std::string> row);
  // Lines, each indented by two spaces.
  std::string text() const;

 private:
  std::vector<std::string> titles_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace stratoscope::cli
