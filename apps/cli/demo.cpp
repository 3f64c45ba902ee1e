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

void print_summary(const Session& session, const DemoRequest&, const Demo& demo) {
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
  Experiment experiment = make_experiment<DemoRequest, Demo>(
      "demo", "the three demonstrations: figures, numbers and an article", demo, {"figures", "out"});
  experiment.is_recorded = experiment.is_served = false;
  add_experiment(app, program, experiment, present<DemoRequest, Demo>(print_summary));
}

}  // namespace stratoscope::cli
