#include "apps/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope::cli {

namespace {

constexpr std::string_view kLayout = "\n\t";
constexpr std::size_t kLongestLine = 470;

void write(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

// The same JSON with \u escapes for terminal control characters, which occur only in strings.
std::string with_escapes(std::string_view json) {
  std::string escaped;
  escaped.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); i += utf8_length(static_cast<unsigned char>(json[i]))) {
    const std::string_view character = json.substr(i, utf8_length(static_cast<unsigned char>(json[i])));
    if (character == "\n" || without_controls(character) == character)
      escaped += character;
    else
      escaped += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(decode_code_point(json, i)));
  }
  return escaped;
}

}  // namespace

void print(std::string_view text) { write(without_controls(text, kLayout)); }

void print_result(std::string_view text) {
  static const bool on_terminal = ::isatty(STDOUT_FILENO) != 0;
  on_terminal ? print(text) : write(text);
}

void print_escapes(std::string_view text) { write(text); }

void tell(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void tell_details(std::string_view lines) { tell(without_controls(lines, kLayout)); }

void warn(std::string_view text) {
  tell(fmt::format("stratoscope: warning: {}\n", shortened(without_controls(text), kLongestLine)));
}

void warn_all(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) warn(warning);
}

void print_header(const Session& session, const Text& text) {
  print("{}, {} token{}\n", session.model_name(), text.ids.size(), text.ids.size() == 1 ? "" : "s");
  for (const std::string& note : text.notes) print("note: {}\n", note);
  print("\n");
}

void print_position(const Text& text, std::optional<std::size_t> position) {
  if (position) print("read after position {}, {}\n", *position, token_label(text.tokens[*position]));
}

void print_json(const Document& document) {
  if (!document.all_finite()) warn("some numbers are not finite; they are null in the JSON");
  write(with_escapes(document.text()));
  write("\n");
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
