// What every command prints: results on standard output, warnings on standard error.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/options.h"
#include "stratoscope/experiment/document.h"

namespace stratoscope::cli {

void print(std::string_view text);
// On standard error. Where that is closed or full there is nobody to tell, and the work goes on.
void tell(std::string_view text);
void warn(std::string_view text);

// One line that names the model, the text's size and what was added or cut.
void print_header(const Session& session, const Text& text);
void print_json(const Document& document);
// The checkpoint's warnings, once the model is loaded, and those of numbers that edits spoiled or did not move.
void print_warnings(const Session& session, const CommonOptions& options, const std::optional<Effect>& effect,
                    std::size_t texts = 1);
void warn_all(const std::vector<std::string>& warnings);
// For people: "effect of the edits: …", and what their globs mean.
void print_effect(const std::optional<Effect>& effect);
void print_globs(const std::vector<GlobMatch>& globs);

// Throws Error when what was printed did not arrive (full disk, closed pipe).
void flush_output();

}  // namespace stratoscope::cli
