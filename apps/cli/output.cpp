#include "apps/cli/output.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "stratoscope/base/error.h"

namespace stratoscope::cli {

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void tell(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void warn(std::string_view text) { tell(fmt::format("stratoscope: warning: {}\n", text)); }

void warn_all(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) warn(warning);
}

void print_header(const Session& session, const Text& text) {
  fmt::print("{}, {} token{}\n", session.model_name(), text.ids.size(), text.ids.size() == 1 ? "" : "s");
  for (const std::string& note : text.notes) fmt::print("note: {}\n", note);
  print("\n");
}

void print_json(const Document& document) {
  if (!document.all_finite) warn("some numbers are not finite; they are null in the JSON");
  print(document.text);
  print("\n");
}

void print_warnings(const Session& session, const CommonOptions& options, const std::optional<Effect>& effect,
                    std::size_t texts) {
  warn_all(session.notes());
  if (session.model_is_loaded())
    for (const std::string& warning : session.model().warnings()) warn(warning);
  if (!effect) return;
  if (const std::string warning = effect_warning(*effect, session.config(), options.edits, texts); !warning.empty())
    warn(warning);
}

void print_effect(const std::optional<Effect>& effect) {
  if (!effect) return;
  print("\n" + describe(*effect) + "\n");
  print_globs(effect->globs);
}

void print_globs(const std::vector<GlobMatch>& globs) {
  for (const GlobMatch& glob : globs) print(describe(glob) + "\n");
}

void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw Error("output", std::string("standard output cannot be written: ") + std::strerror(errno));
}

}  // namespace stratoscope::cli
