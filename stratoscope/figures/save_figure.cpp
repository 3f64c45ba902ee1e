#include "stratoscope/figures/save_figure.h"

#include <optional>
#include <string>
#include <string_view>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/figures/gnuplot.h"
#include "stratoscope/figures/html.h"
#include "stratoscope/figures/svg.h"
#include "stratoscope/figures/vega_lite.h"

namespace stratoscope {
namespace {

constexpr std::string_view kVegaLite = ".vl.json";

bool ends_in(const std::filesystem::path& file, std::string_view ending) {
  const std::string name = file.filename().string();
  return name.size() > ending.size() && name.ends_with(ending);
}

std::optional<Terminal> terminal_of(const std::filesystem::path& file) {
  if (ends_in(file, ".svg")) return Terminal::svg;
  if (ends_in(file, ".png")) return Terminal::png;
  if (ends_in(file, ".pdf")) return Terminal::pdf;
  return std::nullopt;
}

std::filesystem::path with_ending(std::filesystem::path file, std::string_view ending) {
  return file.replace_extension() += ending;
}

// Drawn by gnuplot; an svg by svg_figure where gnuplot is not installed.
std::string drawn_picture(const Figure& figure, Theme theme, Terminal terminal, const std::string& script,
                          const std::filesystem::path& name, const Progress* progress) {
  try {
    return render(script, terminal, name, progress);
  } catch (const NoGnuplot&) {
    if (terminal != Terminal::svg) throw;
    return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + svg_figure(figure, theme);
  }
}

std::vector<std::filesystem::path> save_drawn(const Figure& figure, const std::filesystem::path& file, Theme theme,
                                              Terminal terminal, const Progress* progress) {
  const std::filesystem::path script_file = with_ending(file, ".gp");
  AtomicFile picture(file), kept_script(script_file);  // a path that cannot be written is an error before the drawing
  const std::string script = gnuplot_script(figure, theme, terminal, file.filename());
  kept_script.write(script);
  std::string drawn;
  try {
    drawn = drawn_picture(figure, theme, terminal, script, file.filename(), progress);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    kept_script.commit();
    const std::filesystem::path spec_file = with_ending(file, kVegaLite);
    write_file_atomically(spec_file, vega_lite(figure, theme));
    throw NotDrawn(error.where(), error.problem(),
                   (error.hint().empty() ? "" : error.hint() + "; ") + std::string("written nevertheless: ") +
                       script_file.string() + " and " + spec_file.string());
  }
  picture.write(drawn);
  kept_script.commit();
  picture.commit();
  return {file, script_file};
}

}  // namespace

void check_figure_ending(const std::filesystem::path& file) {
  if (terminal_of(file) || ends_in(file, ".html") || ends_in(file, kVegaLite)) return;
  throw Error("figure", "'" + file.string() + "' does not end in a format of figures",
              "use .svg, .png, .pdf, .html or .vl.json");
}

std::vector<std::filesystem::path> save_figure(const Figure& figure, const std::filesystem::path& file, Theme theme,
                                               const Progress* progress) {
  check_figure_ending(file);
  if (const auto terminal = terminal_of(file)) return save_drawn(figure, file, theme, *terminal, progress);
  write_file_atomically(file, ends_in(file, kVegaLite) ? vega_lite(figure, theme) : html_page(figure, theme, progress));
  return {file};
}

}  // namespace stratoscope
