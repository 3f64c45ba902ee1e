#include "apps/cli/options.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/figures/save_figure.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/session/pulled_session.h"

namespace stratoscope::cli {
namespace {

// Far more than any context, but small enough to be read without harm if the input is the wrong one.
constexpr std::size_t kLongestText = std::size_t{64} << 20;

std::string read_standard_input() {
  std::string text;
  char buffer[65536];
  std::size_t count = 0;
  while ((count = std::fread(buffer, 1, sizeof buffer, stdin)) > 0) {
    text.append(buffer, count);
    if (text.size() > kLongestText)
      throw Error("text", "standard input is longer than " + std::to_string(kLongestText >> 20) + " MiB",
                  "is it endless? 'run --texts' takes many texts, one per line");
    if (std::ferror(stdin) != 0) break;  // interrupted by a signal; another read would block again
  }
  if (std::ferror(stdin) != 0) throw Error("text", "standard input cannot be read");
  return text;
}

double parse_bound(std::string_view text, const std::string& range) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
    throw Error("range", in_quotes(range) + " is not a range", "write LO,HI such as 0.5,1, or auto");
  return number;
}

void fit_to_data(const std::vector<double>& values, ColorScale& color) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values)
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  if (low > high) return;
  if (color.map == ColorMap::diverging) high = std::max(std::abs(low), std::abs(high)), low = -high;
  if (low == high) high = low + 1;
  color.low = low;
  color.high = high;
}

// A colour scale of a figure, and the values that it shows.
struct ShownScale {
  ColorScale* color;
  std::vector<double> values;
};

std::vector<ShownScale> scales_of(Figure& figure) {
  std::vector<ShownScale> scales;
  if (figure.color && figure.color->show_bar) scales.push_back({&*figure.color, {}});
  for (Panel& panel : figure.panels)
    for (Mark& mark : panel.marks) {
      if (auto* text = std::get_if<ColoredText>(&mark)) scales.push_back({&text->scale, text->values});
      if (const auto* map = std::get_if<Heatmap>(&mark); map != nullptr && !scales.empty())
        for (const auto& row : map->values) scales[0].values.insert(scales[0].values.end(), row.begin(), row.end());
    }
  return scales;
}

// The option --range: the given ends of the colour scale, or those of the data.
void set_range(Figure& figure, const std::string& range) {
  const std::vector<ShownScale> scales = scales_of(figure);
  if (scales.empty()) throw Error("range", "this figure has no colour scale", "leave out --range");
  // The rest of the note describes the range that was chosen for the data.
  figure.note = figure.note.starts_with(kLastDepthNote) ? kLastDepthNote : "";
  if (range == "auto") {
    for (const ShownScale& scale : scales) fit_to_data(scale.values, *scale.color);
    return;
  }
  const auto comma = range.find(',');
  if (comma == std::string::npos)
    throw Error("range", in_quotes(range) + " is not a range", "write LO,HI such as 0.5,1, or auto");
  const std::string_view bounds = range;
  const double low = parse_bound(bounds.substr(0, comma), range), high = parse_bound(bounds.substr(comma + 1), range);
  for (const ShownScale& scale : scales) scale.color->low = low, scale.color->high = high;
  if (low >= high) throw Error("range", in_quotes(range) + " does not rise from LO to HI");
}

}  // namespace

void add_model_options(CLI::App& command, CommonOptions& options) {
  command.add_option("--model", options.model, "a model's name, or a folder in Hugging Face layout")
      ->capture_default_str()
      ->type_name("NAME-OR-FOLDER");
  command.add_flag("--pull", options.pull, "download the model first if it is missing or damaged");
  command
      .add_option("--precision", options.precision,
                  "arithmetic of the matrix products: float32, bfloat16, or float64, a slow reference")
      ->check(why_gone)
      ->capture_default_str()
      ->type_name("fp32|bf16|fp64");
  command.add_option("--threads", options.threads, "worker threads (default: all cores)")
      ->check(CLI::Range(1, kMostThreads))
      ->type_name("N");
  command.add_flag("--json", options.json, "print one JSON document");
}

void add_text(CLI::App& command, CommonOptions& options, const std::string& help) {
  command.add_option("TEXT", options.text, help)->type_name("");
}

void add_words(CLI::App& command, CommonOptions& options, const std::string& name, const std::string& help) {
  command.add_option(name, options.words, help)->type_name("");
}

void add_more_texts(CLI::App& command, CommonOptions& options, const std::string& help) {
  command.add_option("MORE", options.more_texts, help)->type_name("");
}

CLI::Option* add_theme(CLI::App& command, std::string& theme) {
  return command.add_option("--theme", theme, "light or dark")
      ->check(CLI::IsMember({"light", "dark"}).description(""))
      ->capture_default_str()
      ->type_name("light|dark");
}

void add_figure_options(CLI::App& command, FigureOptions& options) {
  auto* file =
      command.add_option("--figure", options.file, "also draw the result: FILE.svg, .png, .pdf, .html or .vl.json");
  file->type_name("FILE");
  add_theme(command, options.theme)->needs(file);
  command.add_option("--range", options.range, "the range of the colours, LO,HI, or auto to fit the data")
      ->type_name("LO,HI|auto")
      ->needs(file);
}

Session open_session(const CommonOptions& options, const Program& program) {
  if (options.record) check_writable(*options.record);
  const SessionOptions session{options.model, parse_precision(options.precision), options.threads, program.progress};
  return options.pull ? open_or_pull(session) : Session(session);
}

std::string text_of(CommonOptions& options) {
  if (!options.text && ::isatty(STDIN_FILENO) != 0) throw CLI::RequiredError("TEXT");
  options.used_text = options.text && *options.text != "-" ? *options.text : read_standard_input();
  return *options.used_text;
}

void check_writable(const std::string& file) { static_cast<void>(AtomicFile(file)); }

void check_figure(const FigureOptions& options) {
  if (options.file) check_figure_ending(*options.file);
}

void write_figure(const FigureOptions& options, Figure figure, const Progress* progress) {
  if (!options.file) return;
  if (options.range) set_range(figure, *options.range);
  save_figure(figure, *options.file, options.theme_value(), progress);
}

}  // namespace stratoscope::cli
