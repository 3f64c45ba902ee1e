// What every command prints: results on standard output, warnings on standard error.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/cli/options.h"
#include "stratoscope/session/document.h"

namespace stratoscope::cli {

// For people: what would command a terminal is shown and not sent (without_controls), but for tabs and ends of lines.
void print(std::string_view text);
template <class First, class... Rest>
void print(fmt::format_string<First, Rest...> format, First&& first, Rest&&... rest) {
  print(std::string_view(fmt::format(format, std::forward<First>(first), std::forward<Rest>(rest)...)));
}
// Text that is the result itself: byte for byte where no terminal reads it, else as above.
void print_result(std::string_view text);
// On standard error, unchanged. Where that is closed or full, the text is lost and the work goes on.
void tell(std::string_view text);
// Lines that belong to an error, shown as print() shows them.
void tell_details(std::string_view lines);
void warn(std::string_view text);

// One line that names the model, the text's size and what was added or cut.
void print_header(const Session& session, const Text& text);
void print_json(const Document& document);
void warn_all(const std::vector<std::string>& warnings);
// For people: "effect of the edits: …", and what their globs mean.
void print_effect(const std::optional<Effect>& effect);
void print_globs(const std::vector<GlobMatch>& globs);

// Throws Error when what was printed did not arrive (full disk, closed pipe).
void flush_output();

}  // namespace stratoscope::cli
