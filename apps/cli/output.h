// The output of all commands: results on standard output, warnings on standard error.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/cli/options.h"
#include "stratoscope/session/document.h"

namespace stratoscope::cli {

// Text for users: terminal control characters are shown in visible form (without_controls), except tabs and line ends.
void print(std::string_view text);
template <class First, class... Rest>
void print(fmt::format_string<First, Rest...> format, First&& first, Rest&&... rest) {
  print(std::string_view(fmt::format(format, std::forward<First>(first), std::forward<Rest>(rest)...)));
}
// A text that is the result itself: byte for byte if the output is not a terminal, otherwise like print().
void print_result(std::string_view text);
// Text of plain_text() with escape sequences of this program between.
void print_escapes(std::string_view text);
// On standard error, unchanged. If that is closed or full, the text is lost and the work continues.
void tell(std::string_view text);
// Lines that belong to an error, with control characters as in print().
void tell_details(std::string_view lines);
void warn(std::string_view text);

// One line with the model's name, the text's size, and the tokens that were added or cut.
void print_header(const Session& session, const Text& text);
// The position after which a metric was read, if it is not the last.
void print_position(const Text& text, std::optional<std::size_t> position);
void print_json(const Document& document);
void warn_all(const std::vector<std::string>& warnings);
// "effect of the edits: …", and the hook points that the globs match.
void print_effect(const std::optional<Effect>& effect);
void print_globs(const std::vector<GlobMatch>& globs);

// Throws Error if the output could not be written (full disk, closed pipe).
void flush_output();

}  // namespace stratoscope::cli
