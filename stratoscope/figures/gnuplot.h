// A figure as a gnuplot script that needs nothing else, and gnuplot as a child process that draws it.
//
// gnuplot runs what stands between back-quotes in double quotes and lets its enhanced mode eat { } _ ^ @. So text from
// a figure reaches the script in single quotes alone, always with `noenhanced`.
#pragma once

#include <filesystem>
#include <string>

#include "stratoscope/base/progress.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

enum class Terminal { svg, png, pdf };

// The script that writes `output_name` in the folder where it is run: svg and pdf on the theme's ground, png with
// 300 dots per inch on a transparent one. The same figure gives the same script, byte for byte (for png and pdf on
// machines with the same fonts: a character that no font has is replaced by U+FFFD). Throws Error as lay_out does.
std::string gnuplot_script(const Figure& figure, Theme theme, Terminal terminal,
                           const std::filesystem::path& output_name, Notes notes = Notes::drawn);

// Runs gnuplot on `script`, which writes `output_name` (a bare file name), in a folder of its own and returns the
// picture. Throws Error when gnuplot is missing, fails, takes longer than a minute, or leaves no whole picture;
// Interrupted when cancelled.
std::string render(const std::string& script, Terminal terminal, const std::filesystem::path& output_name,
                   const Progress* progress = nullptr);

}  // namespace stratoscope
