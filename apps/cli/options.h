// The options that commands share, declared once. Their type names mean something to completion: option_table.h.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/theme.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/session.h"

namespace stratoscope::cli {

struct CommonOptions {
  std::string model = kBuiltInModel;
  std::vector<std::string> edits;
  std::optional<std::string> corrupt;
  bool pull = false, bos = false, no_bos = false, truncate = false, json = false;
  std::string precision = "fp32";
  int threads = 0;
  std::optional<std::string> record;
  std::optional<std::string> text;               // the argument; standard input when absent or "-"
  mutable std::optional<std::string> used_text;  // what text_of() gave, for a record

  TextOptions text_options() const {
    return {bos ? AddedTokens::beginning : no_bos ? AddedTokens::none : AddedTokens::usual, truncate, true};
  }
  Edits edit_options() const { return {edits, corrupt}; }
};

struct FigureOptions {
  std::optional<std::string> file;
  std::string theme = "light";
  std::optional<std::string> range;

  Theme theme_value() const { return theme == "dark" ? Theme::dark : Theme::light; }
};

// What main runs once the command line is read: the chosen command sets `action`.
struct Program {
  Progress* progress = nullptr;
  std::function<void()> action = {};
  const CLI::App* command = nullptr;                        // the chosen one, when the action runs
  std::function<void(const Document& document)> sink = {};  // of a replay, which takes the result instead of a reader
};

// --model, --pull, --json, --threads, --precision; `with_run` adds what changes a run: --edit, --corrupt, --bos,
// --truncate.
void add_model_options(CLI::App& command, CommonOptions& options, bool with_run);
// Parts of these, for commands whose edits are their own.
void add_bos(CLI::App& command, CommonOptions& options);
inline constexpr const char* kCutAtTheEnd = "cut a text at the model's context instead of refusing it";
inline constexpr const char* kCutAtTheBeginning =
    "keep the end of a text that leaves the new tokens no room in the context";
void add_truncate(CLI::App& command, CommonOptions& options, const char* help = kCutAtTheEnd);
void add_text(CLI::App& command, CommonOptions& options, const std::string& help = "the text; - for standard input");
CLI::Option* add_theme(CLI::App& command, std::string& theme);
void add_figure_options(CLI::App& command, FigureOptions& options);
// Lets an option take several values behind one name, each as it is written: CLI11 would take "[a,b]" apart.
void take_several(CLI::Option& option);

Session open_session(const CommonOptions& options, const Program& program);

// The TEXT argument, or standard input byte for byte. Throws CLI::RequiredError when there is neither.
std::string text_of(const CommonOptions& options);

// A list option that takes several values also takes a TEXT that follows them. Gives it back where there is no other
// text and the last value is none that the option could mean.
void give_back_text(CommonOptions& options, std::vector<std::string>& values,
                    const std::function<bool(const std::string&)>& is_value);

// Refuses before a long run a file that could never be written. Throws Error.
void check_writable(const std::string& file);
// Refuses before a long run a figure file that could never be written.
void check_figure(const FigureOptions& options);
// Writes the figure where one is asked for; Interrupted where `progress` says so.
void write_figure(const FigureOptions& options, Figure figure, const Progress* progress);

}  // namespace stratoscope::cli
