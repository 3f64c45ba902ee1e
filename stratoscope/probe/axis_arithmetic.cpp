#include "stratoscope/probe/axis_arithmetic.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <functional>

#include "stratoscope/base/names.h"
#include "stratoscope/probe/edit_grammar.h"

namespace stratoscope {
namespace {

constexpr const char* kBraceHint = "write the name of an axis in the braces, or arithmetic: {1-w}, {layer+1}";

bool is_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Evaluates what stands between two braces.
class BraceReader {
 public:
  using ValueOf = std::function<double(const std::string& name, std::size_t at)>;

  BraceReader(const std::string& text, std::size_t open, std::size_t close, const ValueOf& value_of)
      : text_(text), open_(open), pos_(open + 1), close_(close), value_of_(value_of) {}

  double read() {
    const double result = read_sum();
    if (pos_ < close_) refuse();
    return result;
  }

 private:
  [[noreturn]] void refuse() const {
    const std::string braces = text_.substr(open_, close_ + 1 - open_);
    throw GrammarError("edit", text_, pos_ == open_ + 1 ? open_ : pos_, in_quotes(braces) + " is not a placeholder",
                       kBraceHint);
  }

  void skip_blanks() {
    while (pos_ < close_ && (text_[pos_] == ' ' || text_[pos_] == '\t')) ++pos_;
  }
  bool take(char c) {
    skip_blanks();
    if (pos_ == close_ || text_[pos_] != c) return false;
    ++pos_;
    return true;
  }

  double read_sum() {
    double sum = read_product();
    for (;;)
      if (take('+'))
        sum += read_product();
      else if (take('-'))
        sum -= read_product();
      else
        return sum;
  }

  double read_product() {
    double product = read_factor();
    for (;;)
      if (take('*'))
        product *= read_factor();
      else if (take('/'))
        product /= read_factor();
      else
        return product;
  }

  double read_factor() {
    constexpr std::size_t kDeepest = 100;
    if (++depth_ > kDeepest) refuse();
    double factor = 0;
    if (take('-')) {
      factor = -read_factor();
    } else if (take('(')) {
      factor = read_sum();
      if (!take(')')) refuse();
    } else {
      factor = read_operand();
    }
    --depth_;
    skip_blanks();
    return factor;
  }

  double read_operand() {
    skip_blanks();
    const std::size_t begin = pos_;
    if (pos_ < close_ && (std::isdigit(static_cast<unsigned char>(text_[pos_])) != 0 || text_[pos_] == '.')) {
      double number = 0;
      const auto [end, error] = std::from_chars(text_.data() + pos_, text_.data() + close_, number);
      if (error != std::errc()) refuse();
      pos_ = static_cast<std::size_t>(end - text_.data());
      if (pos_ < close_ && is_name_part(text_[pos_])) refuse();
      return number;
    }
    while (pos_ < close_ && is_name_part(text_[pos_])) ++pos_;
    const std::string name = text_.substr(begin, pos_ - begin);
    if (!is_axis_name(name)) refuse();
    return value_of_(name, begin);
  }

  const std::string& text_;
  std::size_t open_, pos_, close_, depth_ = 0;
  const ValueOf& value_of_;
};

std::string text_of(double number) {
  constexpr double kExact = 1e15;
  if (number == std::trunc(number) && std::abs(number) < kExact) return std::to_string(static_cast<long>(number));
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr};
}

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

}  // namespace

bool is_axis_name(std::string_view name) {
  constexpr std::size_t kLongest = 80;
  return !name.empty() && name.size() <= kLongest && std::all_of(name.begin(), name.end(), is_name_part);
}

AxisArithmetic::AxisArithmetic(const std::string& text, std::size_t open, std::size_t close)
    : open_(open), close_(close) {
  const std::string_view inside = without_blanks(std::string_view(text).substr(open + 1, close - open - 1));
  is_name_ = is_axis_name(inside);
  if (is_name_) {
    names_.emplace_back(inside);
    return;
  }
  const BraceReader::ValueOf note_name = [&](const std::string& name, std::size_t) {
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
    return 1.0;
  };
  BraceReader(text, open, close, note_name).read();
  if (names_.empty())
    throw GrammarError("edit", text, open, in_quotes(text.substr(open, close + 1 - open)) + " names no axis",
                       kBraceHint);
}

std::string AxisArithmetic::filled(const std::string& text,
                                   const std::map<std::string, std::string, std::less<>>& values) const {
  const auto value_of = [&](const std::string& name, std::size_t at) -> const std::string& {
    const auto value = values.find(name);
    if (value == values.end())
      throw GrammarError("edit", text, at, "the placeholder {" + name + "} has no axis", "add --over " + name + "=…");
    return value->second;
  };
  if (is_name_) return value_of(names_[0], open_);
  std::string used;
  const BraceReader::ValueOf number_of = [&](const std::string& name, std::size_t at) {
    const std::string& value = value_of(name, at);
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (value.empty() || error != std::errc() || end != value.data() + value.size())
      throw GrammarError("edit", text, at,
                         "the value " + in_quotes(value) + " of the axis " + name + " is not a number",
                         "arithmetic in braces needs numbers");
    used += (used.empty() ? "" : ", ") + name + "=" + value;
    return number;
  };
  const double result = BraceReader(text, open_, close_, number_of).read();
  if (!std::isfinite(result))
    throw GrammarError("edit", text, open_,
                       in_quotes(text.substr(open_, close_ + 1 - open_)) + " is not finite for " + used);
  return text_of(result);
}

}  // namespace stratoscope
