#include "stratoscope/session/labels.h"

#include <fmt/format.h>

#include <cmath>

namespace stratoscope {

std::string token_label(std::string_view token) {
  std::string label = "“";
  for (const char c : token) {
    if (c == '\n' || c == '\r')
      label += "↵";
    else if (c == '\t')
      label += "⇥";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      label += "\uFFFD";
    else
      label += c;
  }
  return label + "”";
}

std::vector<std::string> token_labels(const std::vector<std::string>& tokens) {
  std::vector<std::string> labels;
  labels.reserve(tokens.size());
  for (const std::string& token : tokens) labels.push_back(token_label(token));
  return labels;
}

std::string depth_label(std::size_t entry) { return entry == 0 ? "Emb" : block_label(entry - 1); }

std::vector<std::string> depth_labels(const ModelConfig& config) {
  std::vector<std::string> labels;
  for (std::size_t entry = 0; entry < config.n_hidden_states(); ++entry) labels.push_back(depth_label(entry));
  return labels;
}

std::string block_label(std::size_t layer) { return "L" + std::to_string(layer); }

std::string short_number(double number, int digits) {
  if (std::isnan(number)) return "nan";  // NaN may have a sign, which is not shown
  return fmt::format("{:.{}g}", number, digits);
}

std::string with_minus_signs(std::string number) {
  for (std::size_t at = 0; (at = number.find('-', at)) != std::string::npos;) number.replace(at, 1, "−");
  return number;
}

std::string prose_number(double number, int digits) { return with_minus_signs(short_number(number, digits)); }

}  // namespace stratoscope
