// Labels of tokens and depths in tables and figures.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/families/model_config.h"

namespace stratoscope {

// “ cute”: in quotes that show its spaces; line breaks as ↵, tabs as ⇥, other control characters as U+FFFD.
std::string token_label(std::string_view token);
std::vector<std::string> token_labels(const std::vector<std::string>& tokens);

// A note for every figure over the depths.
inline constexpr const char* kLastDepthNote = "The last depth is after the final norm.";

// Of a hidden state: "Emb" for 0, "L0" for 1, …
std::string depth_label(std::size_t entry);
std::vector<std::string> depth_labels(const ModelConfig& config);
// Of a block: "L0", "L1", …
std::string block_label(std::size_t layer);

// `number` with `digits` significant digits, without trailing zeros: "357.2", "0.0144", "1.1e-07".
std::string short_number(double number, int digits = 4);
// The same for prose and figures, with a minus sign instead of a hyphen: "−9.67".
std::string prose_number(double number, int digits = 4);
std::string with_minus_signs(std::string number);

}  // namespace stratoscope
