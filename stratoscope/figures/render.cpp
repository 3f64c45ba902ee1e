#include <algorithm>
#include <string_view>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/temporary.h"
#include "stratoscope/figures/child_process.h"
#include "stratoscope/figures/gnuplot.h"

namespace stratoscope {
namespace {

constexpr double kTimeLimit = 60;  // seconds; the largest figures take one

// The first error message of gnuplot, without its place in the script and the caret below it.
std::string first_complaint(const std::string& errors) {
  std::size_t at = errors.find("line ");
  at = at == std::string::npos ? errors.find_first_not_of(" \n\t^") : at;
  if (at == std::string::npos) return "no message";
  return errors.substr(at, std::min(errors.find('\n', at), errors.size()) - at);
}

bool whole(std::string_view picture, Terminal terminal) {
  const auto ends_with = [&](std::string_view end) {
    return picture.substr(picture.size() - std::min<std::size_t>(picture.size(), 64)).find(end) !=
           std::string_view::npos;
  };
  switch (terminal) {
    case Terminal::svg: return picture.starts_with("<?xml") && ends_with("</svg>");
    case Terminal::png: return picture.starts_with("\x89PNG\r\n\x1a\n") && ends_with("IEND");
    case Terminal::pdf: return picture.starts_with("%PDF-") && ends_with("%%EOF");
  }
  return false;
}

// cairo writes the current time into a pdf; a fixed date of the same length keeps the offsets in the file valid.
void fix_date(std::string& pdf) {
  static constexpr std::string_view kKey = "/CreationDate (D:";
  const std::size_t at = pdf.find(kKey);
  if (at == std::string::npos) return;
  const std::string_view fixed = "20000101000000Z";
  for (std::size_t i = 0, k = at + kKey.size(); k < pdf.size() && pdf[k] != ')'; ++i, ++k) {
    if (i < fixed.size()) pdf[k] = fixed[i];
  }
}

// Adds the pixel size to a png, so that it is shown with 300 dpi and not 96.
void add_resolution(std::string& png) {
  // A pHYs chunk of 11,811 pixels per metre in both directions, with its checksum, directly after the header chunk.
  static constexpr std::string_view kChunk("\0\0\0\x09pHYs\0\0\x2e\x23\0\0\x2e\x23\x01\x78\xa5\x3f\x76", 21);
  constexpr std::size_t kBehindHeader = 8 + 25;
  if (png.size() > kBehindHeader && png.find("pHYs") == std::string::npos) png.insert(kBehindHeader, kChunk);
}

}  // namespace

std::string render(const std::string& script, Terminal terminal, const std::filesystem::path& output_name,
                   const Progress* progress) {
  const TemporaryFolder folder;
  const std::string script_name = "figure.gp";
  write_file_atomically(folder.path() / script_name, script);
  const Outcome outcome =
      run_program({"gnuplot", "--default-settings", script_name}, folder.path(), kTimeLimit, progress);
  if (!outcome.found) {
    throw NoGnuplot("figure", "gnuplot is not installed", "install it (Debian: apt install gnuplot-nox)");
  }
  if (outcome.timed_out) throw Error("figure", "gnuplot did not finish within a minute");
  if (outcome.status != 0) {
    throw Error("figure",
                "gnuplot failed (status " + std::to_string(outcome.status) + "): " + first_complaint(outcome.errors));
  }
  const std::filesystem::path written = folder.path() / output_name;
  std::error_code ignored;
  if (!std::filesystem::exists(written, ignored)) {
    throw Error("figure", "gnuplot wrote no picture: " + first_complaint(outcome.errors));
  }
  std::string picture = read_text_file(written);
  if (!whole(picture, terminal)) throw Error("figure", "gnuplot left the picture unfinished", "is the disk full?");
  if (terminal == Terminal::pdf) fix_date(picture);
  if (terminal == Terminal::png) add_resolution(picture);
  return picture;
}

}  // namespace stratoscope
