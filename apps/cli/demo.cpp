#include "stratoscope/demo/demo.h"

#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/base/error.h"
#include "stratoscope/demo/demo_prose.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

constexpr std::size_t kPerLine = 7;

void print_sentences(const Sentences& sentences) {
  for (const std::string& sentence : sentences) print("  {}\n", sentence);
}

void print_counts(const TokenCounts& counts) {
  print("  {}\n  {} characters ({} unique), {} tokens ({} unique)\n", token_label(counts.text.text), counts.characters,
        counts.unique_characters, counts.text.ids.size(), counts.unique);
}

void print_ids(const Text& text) {
  print("  ");
  for (std::size_t i = 0; i < text.ids.size(); ++i) print("{}{} ", token_label(text.tokens[i]), text.ids[i]);
  print("\n");
}

void print_likeliest(const Predictions& likeliest) {
  print("  the {} likeliest next tokens:\n", likeliest.top.size());
  std::vector<std::string> titles(kPerLine, "");
  Table table(titles);
  for (std::size_t i = 0; i < likeliest.top.size(); i += kPerLine) {
    std::vector<std::string> row;
    for (std::size_t j = i; j < std::min(i + kPerLine, likeliest.top.size()); ++j)
      row.push_back(token_label(likeliest.top[j].token));
    table.add(row);
  }
  print(table.text());
}

void print_summary(const Session& session, const Demo& demo) {
  const DemoFindings& f = demo.findings;
  const ModelConfig& c = session.config();
  const std::size_t tokens = f.inspected.text.ids.size();
  print("1. Inspecting {}: {} blocks of width {}, {} heads each, {} words in the vocabulary\n", session.model_name(),
        c.n_layers(), c.d_model, c.n_heads(), c.d_vocab);
  print_counts(f.inspected);
  print_ids(f.inspected.text);
  print("  logits {}, {} hidden states, each {}\n", to_string({tokens, c.d_vocab}), c.n_hidden_states(),
        to_string({tokens, c.d_model}));
  print_sentences(describe(f.activations));
  print("\n2. Similarity\n");
  print_sentences(describe(f.across_layers));
  print_sentences(describe(f.across_tokens));
  print_sentences(describe(f.profile));
  print("\n3. Manipulating\n");
  print_counts(f.counted);
  print_likeliest(f.likeliest);
  print_sentences(describe_sweep(f));
  print("\n{} files are in {}; open {}\n", demo.figures.size() + 1, demo.out.string(),
        (demo.out / "index.html").string());
}

}  // namespace

void add_demo(CLI::App& app, Program& program) {
  struct Options {
    CommonOptions common;
    DemoRequest request;
    std::string theme = "light";
    std::string out = "stratoscope-demo";
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("demo", "the three demonstrations: figures, numbers and an article");
  add_model_options(command, options->common, true);
  command.add_option("--token", options->request.token, "whose activations: an index, or a word of the text")
      ->type_name("T");
  command.add_option("--target", options->request.target, "the next token to follow (default: \" insect\")")
      ->type_name("T");
  command.add_option("--factor", options->request.factor, "what each block's output is scaled by")
      ->capture_default_str()
      ->type_name("F");
  command.add_option("--out", options->out, "the folder")->capture_default_str()->type_name("DIR");
  add_theme(command, options->theme);
  add_text(command, options->common, "in place of the demonstrations' own texts; - for standard input");
  command.callback([options, &program] {
    program.action = [options, &program] {
      DemoRequest request = options->request;
      if (options->common.text) request.text = text_of(options->common);
      request.text_options = options->common.text_options();
      request.edits = options->common.edit_options();
      request.out = options->out;
      request.theme = options->theme == "dark" ? Theme::dark : Theme::light;
      const Session session = open_session(options->common, program);
      const Demo demo = run_demo(session, request);
      for (const std::string& warning : demo.findings.sweep.warnings) warn(warning);
      print_warnings(session, options->common, demo.findings.activations.effect);
      if (options->common.json)
        print_json(to_json(session, demo));
      else
        print_summary(session, demo);
      if (demo.missing) throw Error("demo", *demo.missing);
    };
  });
}

}  // namespace stratoscope::cli
