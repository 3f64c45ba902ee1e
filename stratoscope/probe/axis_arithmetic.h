// Arithmetic on the axes of a sweep, in the braces of an edit's template: {1-w}, {2*(layer+1)}.
//
//   sum = product { ("+" | "-") product }      product = factor { ("*" | "/") factor }
//   factor = number | name of an axis | "-" factor | "(" sum ")"
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

class AxisArithmetic {
 public:
  // What stands between the braces at text[open] and text[close]. Throws GrammarError.
  AxisArithmetic(const std::string& text, std::size_t open, std::size_t close);

  const std::vector<std::string>& names() const { return names_; }
  // With the axes' values, as texts. A name alone stands for its text; otherwise each value must be a number, and the
  // result is a number. Throws GrammarError for others, for a name without a value and for a result that is not finite.
  std::string filled(const std::string& text, const std::map<std::string, std::string, std::less<>>& values) const;

 private:
  std::size_t open_, close_;
  bool is_name_;  // without any operator
  std::vector<std::string> names_;
};

// Up to 80 letters, digits and '_'.
bool is_axis_name(std::string_view name);

}  // namespace stratoscope
