// Numbers as texts in a figure.
#pragma once

#include <cstddef>
#include <string>

namespace stratoscope {

// "69,120"
std::string grouped(std::size_t count);

// Three significant digits, with a typographic minus: "0.372", "−9.67", "1.2e−5".
std::string brief(double value);

// `value` with `decimals` digits after the point and a typographic minus; never "−0".
std::string fixed(double value, int decimals);

// "10⁻³"
std::string power_of_ten(int exponent);

}  // namespace stratoscope
