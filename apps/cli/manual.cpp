#include "apps/cli/manual.h"

#include <fmt/format.h>

#include <algorithm>

#include "stratoscope/version.h"

namespace stratoscope::cli {
namespace {

constexpr const char* kDescription = R"(.SH DESCRIPTION
Text goes in; every value that a model computes on the way to its prediction has a name, its
.IR "hook point" ,
and can be read, measured, drawn, or rewritten to see what changes.
Models are GPT\-2 checkpoints in Hugging Face layout; a small one is built in.
.PP
.I TEXT
is one argument, or standard input where it is absent or \(oq\-\(cq; it is taken byte for byte and must be UTF\-8.
Results go to standard output, progress and warnings to standard error.
)";

constexpr const char* kEnd = R"(.SH EDITS
An edit is a hook point, what of it is meant, an operation and a value:
.PP
.EX
blocks.3.hook_resid_post *= 0.8
blocks.*.hook_mlp_out[1:3] = mean
blocks.5.attn.hook_z.head[0,2] = zero
transformer.h.5.attn = 0.3 * corrupt + 0.7 * clean
blocks.3.hook_mlp_out.top[8%] = mean(dim)
blocks.0.hook_resid_pre["king"] += noise(0.5, 3)
.EE
.PP
Operations are
.BR *= ,
.BR += ,
.B =
and
.BR without ;
a value is a sum of numbers,
.BR zero ,
.BR mean ,
.BR median ,
.BR mean(dim) ,
.BR median(dim) ,
.BR clean ,
.BR corrupt ,
.BR noise(sd,\ seed) ,
and vectors from .npy and .safetensors files, each with a factor.
.B stratoscope info
lists the hook points of a model.
.SH EXIT STATUS
.TP
.B 0
The work is done.
.TP
.B 1
Something is wrong with a model, a text, a file, an index or an expression;
the last line on standard error begins \(lqstratoscope: error:\(rq.
.TP
.B 2
The command line is wrong.
.TP
.B 130
Interrupted.
.SH ENVIRONMENT
.TP
.BR HF_HUB_CACHE ", " HF_HOME ", " XDG_CACHE_HOME
Where Hugging Face's cache is, in this order; without them it is
.IR ~/.cache/huggingface/hub .
.TP
.B STRATOSCOPE_MAX_ISA
The best instruction set that kernels may use: SSE4, AVX2, AVX512,
AVX512_BF16 or AMX (which serve
.BR "\-\-precision bf16" ),
on ARM NEON.
Without it, the processor's best.
.SH FILES
.TP
.I PREFIX/share/stratoscope/models
The built\-in model, beside
.IR PREFIX/bin/stratoscope .
.SH EXAMPLES
.EX
stratoscope demo
stratoscope predict "It was the best of times, it was the"
stratoscope activations "Penguins are cute." \-\-token cute \-\-figure cute.svg
stratoscope sweep "The king and the" \-\-edit "blocks.{layer}.hook_resid_post *= 0.8" \e
  \-\-over layer=all \-\-target " queen"
.EE
)";

// Plain text: characters with a meaning in roff are escaped.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

// The argument of a font macro.
std::string argument(const std::string& text) {
  std::string out;
  for (const char c : plain(text)) out += c == '"' ? "\\(dq" : std::string(1, c);
  return '"' + out + '"';
}

std::string paragraph_of(const OptionEntry& option) {
  std::string text = ".TP\n.BR " + argument(joined(option.names, ", "));
  if (!option.value.empty()) text += " \" \" " + argument(option.value);
  text += "\n" + plain(option.description);
  if (!option.default_value.empty()) text += "\n(default: " + plain(option.default_value) + ")";
  if (option.repeatable && !option.several) text += "\n(may be repeated)";
  return text + "\n";
}

std::size_t commands_with(const OptionTable& table, const OptionEntry& option) {
  return static_cast<std::size_t>(
      std::count_if(table.commands.begin(), table.commands.end(), [&](const CommandEntry& command) {
        return std::find(command.options.begin(), command.options.end(), option) != command.options.end();
      }));
}

std::string section_of(const OptionTable& table, const CommandEntry& command) {
  std::string text = ".SS stratoscope " + plain(command.name) + " [options]" + (command.text.empty() ? "" : " [TEXT]");
  text += "\n" + plain(command.description) + "\n";
  std::vector<std::string> shared;
  for (const OptionEntry& option : command.options) {
    if (commands_with(table, option) == 1)
      text += paragraph_of(option);
    else
      shared.push_back(option.names.back());
  }
  return text + ".PP\nAlso takes " + plain(joined(shared, ", ")) + ".\n";
}

std::string common_options(const OptionTable& table) {
  std::string text = ".SH COMMON OPTIONS\nThe section of each command above names those that it takes.\n";
  std::vector<OptionEntry> told;
  for (const CommandEntry& command : table.commands)
    for (const OptionEntry& option : command.options) {
      if (commands_with(table, option) == 1 || std::find(told.begin(), told.end(), option) != told.end()) continue;
      told.push_back(option);
      text += paragraph_of(option);
    }
  return text;
}

}  // namespace

std::string manual_page(const OptionTable& table) {
  std::string page = ".\\\" Made by: stratoscope man\n";
  page += fmt::format(".TH STRATOSCOPE 1 \"\" \"stratoscope {}\" \"User Commands\"\n", STRATOSCOPE_VERSION);
  page += ".SH NAME\nstratoscope \\- look inside transformer language models\n";
  page += ".SH SYNOPSIS\n.B stratoscope\n.I COMMAND\n[options]\n[\\c\n.IR TEXT ]\n";
  page += kDescription;
  page += ".SH COMMANDS\n";
  for (const CommandEntry& command : table.commands) page += section_of(table, command);
  page += common_options(table);
  return page + kEnd;
}

}  // namespace stratoscope::cli
