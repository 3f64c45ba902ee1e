// The options that commands share, declared once. Completion reads their type names (option_table.h).
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/experiments/experiment.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/theme.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/session.h"

namespace stratoscope::cli {

struct CommonOptions {
  std::string model = kBuiltInModel;
  bool pull = false, json = false;
  std::string precision = "fp32";
  int threads = 0;
  std::optional<std::string> record;
  std::optional<std::string> text;       // the argument; if absent or "-", standard input
  std::vector<std::string> words;        // the arguments of a command that takes several
  std::vector<std::string> more_texts;   // further arguments
  std::optional<std::string> used_text;  // the result of text_of(), for a record
};

struct FigureOptions {
  std::optional<std::string> file;
  std::string theme = "light";
  std::optional<std::string> range;

  Theme theme_value() const { return theme == "dark" ? Theme::dark : Theme::light; }
};

// The state that main() uses after parsing: the chosen command sets `action`.
struct Program {
  Progress* progress = nullptr;
  std::function<void()> action = {};
  const CLI::App* command = nullptr;                        // the chosen one, when the action runs
  std::function<void(const Document& document)> sink = {};  // of a replay, which compares the result
  std::vector<Experiment> experiments = all_experiments();  // each is a command
};

// Adds --model, --pull, --precision, --threads, --json.
void add_model_options(CLI::App& command, CommonOptions& options);
void add_text(CLI::App& command, CommonOptions& options, const std::string& help = "the text; - for standard input");
void add_words(CLI::App& command, CommonOptions& options, const std::string& name, const std::string& help);
void add_more_texts(CLI::App& command, CommonOptions& options, const std::string& help);
CLI::Option* add_theme(CLI::App& command, std::string& theme);
void add_figure_options(CLI::App& command, FigureOptions& options);
Session open_session(const CommonOptions& options, const Program& program);

// The TEXT argument, or standard input byte for byte. Throws CLI::RequiredError if there is neither.
std::string text_of(CommonOptions& options);

// Checks before a long run that the file can be written. Throws Error.
void check_writable(const std::string& file);
// Checks before a long run that the figure's file can be written. Throws Error.
void check_figure(const FigureOptions& options);
// Writes the figure if one was requested. Throws Interrupted if `progress` requests it.
void write_figure(const FigureOptions& options, Figure figure, const Progress* progress);

}  // namespace stratoscope::cli
