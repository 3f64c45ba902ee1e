#include "apps/cli/colored_tokens.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/text.h"
#include "stratoscope/figures/theme.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

std::string on_ground(const std::string& text, Rgb ground) {
  const Rgb letters = text_on(ground);
  return fmt::format("\x1b[48;2;{};{};{};38;2;{};{};{}m{}\x1b[0m", ground.red, ground.green, ground.blue, letters.red,
                     letters.green, letters.blue, text);
}

// The lowest, the middle and the highest number of a scale on their colours.
std::string legend_of(const ColorScale& scale) {
  std::string line;
  for (const double value : {scale.low, (scale.low + scale.high) / 2, scale.high})
    line += on_ground(" " + prose_number(value, 3) + " ", scale_color(scale, Theme::dark, value));
  return line + " " + plain_text(scale.title);
}

std::string colored_lines(const ColoredText& text) {
  const std::size_t room = std::max<std::size_t>(terminal_columns(), 20);
  std::string lines;
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.tokens.size(); ++i) {
    const std::string shown = plain_text(text.tokens[i]);
    const std::size_t width = display_width(shown);
    if (column > 0 && column + width > room) lines += '\n', column = 0;
    const auto color = tile_color(text, i, Theme::dark);
    lines += color ? on_ground(shown, *color) : shown;
    column += width;
    if (text.tokens[i].ends_with('\n')) lines += '\n', column = 0;
  }
  return lines + "\n";
}

}  // namespace

bool has_true_colors() {
  const char *const no_color = std::getenv("NO_COLOR"), *const colors = std::getenv("COLORTERM");
  if (::isatty(STDOUT_FILENO) == 0 || colors == nullptr || (no_color != nullptr && *no_color != '\0')) return false;
  const std::string_view kind = colors;
  return kind == "truecolor" || kind == "24bit";
}

void print_colored(const Figure& figure) {
  for (const Panel& panel : figure.panels) {
    const ColoredText* text = colored_text_of(panel);
    if (text == nullptr) continue;
    print("{}\n", panel.title);
    print_escapes(legend_of(text->scale) + "\n\n" + colored_lines(*text) + "\n");
  }
}

}  // namespace stratoscope::cli
