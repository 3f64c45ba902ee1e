#include "stratoscope/figures/number_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace stratoscope {
namespace {

std::string with_minus_sign(const std::string& ascii) {
  std::string text;
  for (const char c : ascii) text += c == '-' ? std::string("−") : std::string(1, c);
  return text;
}

}  // namespace

std::string grouped(std::size_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string brief(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e6) return fixed(value, 0);
  std::string text = fmt::format("{:.3g}", value);
  // Removes the leading zero of an exponent: "1.2e-05" becomes "1.2e-5".
  const std::size_t e = text.find('e');
  if (e != std::string::npos) {
    std::size_t zero = e + 2;
    while (zero + 1 < text.size() && text[zero] == '0') text.erase(zero, 1);
    if (text[e + 1] == '+') text.erase(e + 1, 1);
  }
  return with_minus_sign(text);
}

std::string fixed(double value, int decimals) {
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  const bool zero = text.find_first_not_of("-0.") == std::string::npos;
  return with_minus_sign(zero && text.front() == '-' ? text.substr(1) : text);
}

std::string power_of_ten(int exponent) {
  static constexpr std::array<const char*, 10> kDigits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = "10";
  if (exponent < 0) text += "⁻";
  for (const char digit : std::to_string(exponent < 0 ? -exponent : exponent)) {
    text += kDigits[static_cast<std::size_t>(digit - '0')];
  }
  return text;
}

}  // namespace stratoscope
