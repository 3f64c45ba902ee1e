// Writes a figure as a self-contained gnuplot script, and draws it with gnuplot as a child process.
//
// In double quotes gnuplot runs text between back-quotes, and its enhanced mode interprets { } _ ^ @. So text of a
// figure is in single quotes only, always with `noenhanced`.
#pragma once

#include <filesystem>
#include <string>

#include "stratoscope/base/error.h"
#include "stratoscope/base/progress.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

enum class Terminal { svg, png, pdf };

// There is no gnuplot on the PATH.
class NoGnuplot : public Error {
 public:
  using Error::Error;
};

// The script that writes `output_name` in its working folder: svg and pdf with the theme's background, png with 300
// dots per inch and a transparent one. The same figure gives the same bytes (for png and pdf with the same fonts, since
// a character that no font has becomes U+FFFD). Throws Error as lay_out does.
std::string gnuplot_script(const Figure& figure, Theme theme, Terminal terminal,
                           const std::filesystem::path& output_name, Notes notes = Notes::drawn);

// Runs gnuplot on `script`, which writes `output_name` (a file name without a folder), in a temporary folder and
// returns the picture. Throws NoGnuplot; Error if gnuplot fails, takes longer than a minute, or writes an incomplete
// picture; Interrupted when cancelled.
std::string render(const std::string& script, Terminal terminal, const std::filesystem::path& output_name,
                   const Progress* progress = nullptr);

}  // namespace stratoscope
