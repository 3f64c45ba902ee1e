#include "stratoscope/demo/demo.h"

#include <fmt/format.h>

#include <algorithm>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/staged_folder.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/demo/article.h"
#include "stratoscope/demo/demo_prose.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/figures/csv.h"
#include "stratoscope/figures/html.h"
#include "stratoscope/figures/save_figure.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/version.h"

namespace stratoscope {
namespace {

constexpr const char* kMarker = ".stratoscope-demo";
constexpr const char* kPenguins = "A wise man once said: Penguins are cute.";
constexpr const char* kKafka =
    "As Gregor Samsa awoke one morning from uneasy dreams, he found himself transformed in his bed into a gigantic";
constexpr const char* kInsect = " insect";
constexpr std::size_t kLikeliest = 21, kPerLine = 7;

DemoFindings find_out(const Session& session, const DemoRequest& request) {
  const std::string inspected = request.text.value_or(kPenguins), manipulated = request.text.value_or(kKafka);
  const SimilarityRequest similarity{.text = inspected, .text_options = request.text_options, .edits = request.edits};
  DemoFindings f;
  f.inspected = tokens(session, {inspected, request.text_options});
  f.activations = activations(session, {inspected, request.text_options, request.edits, request.token});
  f.across_layers = similarity_across_layers(session, similarity);
  f.across_tokens = similarity_across_tokens(session, similarity);
  f.profile = laminar_profile(session, similarity);

  f.counted = tokens(session, {manipulated, request.text_options});
  PredictRequest next{manipulated, request.text_options, request.edits, kLikeliest, -1, false};
  f.likeliest = predict(session, next);
  f.factor = request.factor;
  TargetChoice target;
  if (request.target)
    target.text = *request.target;
  else if (request.text)
    target.id = f.likeliest.top[0].id;
  else
    target.text = kInsect;
  SweepExperimentRequest sweep;
  sweep.text = manipulated;
  sweep.text_options = request.text_options;
  for (const EditExpression& edit : request.edits.expressions) sweep.edits.emplace_back(edit.text);
  sweep.edits.emplace_back(fmt::format("blocks.{{layer}}.hook_resid_post *= {}", request.factor));
  sweep.corrupt = request.edits.corrupt_text;
  sweep.axes = {"layer=all"};
  sweep.targets = {target};
  f.sweep = sweep_text(session, sweep);
  // The rank without the scaling: a factor of 1 changes nothing.
  sweep.edits.back() = "blocks.{layer}.hook_resid_post *= 1";
  sweep.axes = {"layer=0"};
  sweep.metric = Metric::rank;
  f.target_rank = sweep_text(session, sweep).result.clean;
  return f;
}

struct NamedFigure {
  const char* name;
  Figure figure;
  std::string drawing;  // inline SVG for the article; empty if drawing failed
};

std::vector<NamedFigure> figures_of(const DemoFindings& f) {
  std::vector<NamedFigure> figures;
  figures.push_back({"activations", figure_of(f.activations), ""});
  figures.push_back({"similarity-layers", figure_of(f.across_layers), ""});
  figures.push_back({"similarity-tokens", figure_of(f.across_tokens), ""});
  figures.push_back({"laminar-profile", figure_of(f.profile), ""});
  figures.push_back({"next-tokens", figure_of(f.likeliest), ""});
  Figure sweep = figure_of(f.sweep);
  sweep.title = fmt::format("Each block's output scaled by {}", short_number(f.factor));
  sweep.panels[0].x.title = "scaled block";
  figures.push_back({"scaled-blocks", std::move(sweep), ""});
  return figures;
}

// Writes every format of every figure. gnuplot runs as several processes at once; where it fails, or is missing for a
// png, the other files are still written, and the first failure is returned. A file that cannot be written is an error.
std::optional<std::string> write_figures(const std::filesystem::path& folder, Theme theme,
                                         std::vector<NamedFigure>& figures, Progress* progress) {
  std::vector<std::string> failures(figures.size());
  parallel_for(figures.size(), [&](std::size_t i) {
    if (progress != nullptr) progress->throw_if_cancelled();
    NamedFigure& figure = figures[i];
    write_file_atomically(folder / (std::string(figure.name) + ".csv"), csv(figure.figure));
    save_figure(figure.figure, folder / (std::string(figure.name) + ".vl.json"), theme);
    try {
      save_figure(figure.figure, folder / (std::string(figure.name) + ".svg"), theme, progress);
      figure.drawing = html_fragment(figure.figure, theme, progress);
      save_figure(figure.figure, folder / (std::string(figure.name) + ".png"), theme, progress);
    } catch (const NotDrawn& error) {
      failures[i] = error.what();
    }
  });
  const auto failed = [](const std::string& failure) { return !failure.empty(); };
  const auto first = std::find_if(failures.begin(), failures.end(), failed);
  if (first == failures.end()) return std::nullopt;
  return fmt::format("{} of {} figures could not be drawn in every format: {}",
                     std::count_if(first, failures.end(), failed), failures.size(), *first);
}

// The message with the final folder in place of the temporary one.
std::string with_final_place(std::string message, const std::string& temporary, const std::string& place) {
  for (std::size_t at = 0; (at = message.find(temporary, at)) != std::string::npos; at += place.size())
    message.replace(at, temporary.size(), place);
  return message;
}

std::vector<std::pair<std::string, std::string>> model_facts(const Session& session, const DemoFindings& f) {
  const ModelConfig& c = session.config();
  const std::size_t tokens = f.inspected.text.ids.size();
  return {{"model", session.model_name()},
          {"parameters", fmt::format("{:.1f} million", 1e-6 * static_cast<double>(session.checkpoint().parameters()))},
          {"blocks", std::to_string(c.n_layers())},
          {"heads in each block", std::to_string(c.n_heads())},
          {"width of the residual stream", std::to_string(c.d_model)},
          {"width of the MLPs", std::to_string(c.d_mlp())},
          {"vocabulary", std::to_string(c.d_vocab)},
          {"context", fmt::format("{} tokens", c.n_ctx)},
          {"shape of the logits", to_string({tokens, c.d_vocab})},
          {"hidden states", fmt::format("{}, each {}", c.n_hidden_states(), to_string({tokens, c.d_model}))}};
}

// Seven tokens on a line, as in the published notebook; the figure has their probabilities.
std::vector<std::vector<std::string>> likeliest_lines(const Predictions& predictions) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < predictions.top.size(); ++i) {
    if (i % kPerLine == 0) rows.emplace_back();
    rows.back().push_back(token_label(predictions.top[i].token));
  }
  return rows;
}

std::vector<std::vector<std::string>> sweep_table(const SweepExperiment& sweep) {
  std::vector<std::vector<std::string>> rows = {{"scaled block", "log-probability", "change"}};
  for (std::size_t layer = 0; layer < sweep.result.values.size(); ++layer) {
    const double value = sweep.result.values[layer];
    rows.push_back({block_label(layer), with_minus_signs(fmt::format("{:.4f}", value)),
                    with_minus_signs(fmt::format("{:+.4f}", value - sweep.result.clean))});
  }
  return rows;
}

std::string article_of(const Session& session, const DemoRequest& request, const DemoFindings& f,
                       const std::vector<NamedFigure>& figures) {
  Article article("Looking inside " + session.model_name(), request.theme);
  article.paragraph(
      "A language model reads a text token by token and carries, for each, a vector of numbers through its blocks: the "
      "residual stream. This page shows that vector at every depth, how alike it is between depths and between tokens, "
      "and "
      "what happens to a prediction when one block's output is changed. Every number here was computed for this text.");
  if (!request.edits.expressions.empty()) {
    std::string edits;
    for (const EditExpression& edit : request.edits.expressions) edits += (edits.empty() ? "" : "; ") + edit.text;
    article.paragraph("Before anything was read, these edits were made: " + edits + ".");
  }
  article.heading("1. Inspecting");
  article.facts(model_facts(session, f));
  article.paragraph(
      fmt::format("The text “{}” becomes {} tokens:", f.inspected.text.text, f.inspected.text.ids.size()));
  article.tokens(token_labels(f.inspected.text.tokens), f.inspected.text.ids);
  article.figure(figures[0].figure, figures[0].drawing);
  article.paragraph(describe(f.activations));

  article.heading("2. Similarity");
  article.figure(figures[1].figure, figures[1].drawing);
  article.paragraph(describe(f.across_layers));
  article.figure(figures[2].figure, figures[2].drawing);
  article.paragraph(describe(f.across_tokens));
  article.figure(figures[3].figure, figures[3].drawing);
  article.paragraph(describe(f.profile));

  article.heading("3. Manipulating");
  article.paragraph(fmt::format("“{}” has {} characters ({} different ones) and {} tokens ({} different ones).",
                                f.counted.text.text, f.counted.characters, f.counted.unique_characters,
                                f.counted.text.ids.size(), f.counted.unique));
  article.figure(figures[4].figure, figures[4].drawing);
  article.paragraph(describe(f.likeliest));
  article.table(likeliest_lines(f.likeliest), false);
  article.figure(figures[5].figure, figures[5].drawing);
  article.paragraph(describe_sweep(f));
  article.table(sweep_table(f.sweep));
  article.paragraph(fmt::format("Made by stratoscope {} with the model {} ({}), in {}.", STRATOSCOPE_VERSION,
                                session.model_name(), session.model_hash(), name_of(session.precision())));
  return article.html();
}

}  // namespace

void describe(DemoRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  fields.add("token", request.token, "the token whose activations are shown: an index, or a word of the text")
      .value("T");
  fields.add("target", request.target, "the next token to follow (default: \" insect\")").value("T");
  fields.add("factor", request.factor, "the factor that scales each block's output").value("F");
  fields.add("out", request.out, "the folder").value("DIR");
  fields.add("theme", request.theme, "light or dark");
  fields.add("text", request.text, "in place of the demonstrations' own texts; - for standard input").argument();
}

Demo demo(const Session& session, const DemoRequest& request) {
  StagedFolder folder(request.out, kMarker);  // a folder that cannot be replaced is an error before the work
  Demo demo;
  demo.out = request.out;
  demo.findings = find_out(session, request);
  auto figures = figures_of(demo.findings);
  demo.missing = write_figures(folder.temporary(), request.theme, figures, session.progress());
  if (demo.missing)
    demo.missing =
        with_final_place(*demo.missing, folder.temporary().string(), (request.out / "").parent_path().string());
  // Ctrl-C also ends gnuplot, and a demo must not be written without the figures that are then missing.
  if (session.progress() != nullptr) session.progress()->throw_if_cancelled();
  write_file_atomically(folder.temporary() / "index.html", article_of(session, request, demo.findings, figures));
  folder.commit();
  for (const NamedFigure& figure : figures)
    for (const char* ending : {".svg", ".png", ".vl.json", ".csv", ".gp"})
      if (const std::string name = figure.name + std::string(ending); std::filesystem::exists(request.out / name))
        demo.figures.push_back(name);
  return demo;
}

std::vector<std::string> warnings_of(const Demo& demo) { return demo.findings.sweep.warnings; }

Document to_json(const Session& session, const Demo& demo) {
  Json json = begin_document(session, std::nullopt, &demo.findings.inspected.text);
  const Effect& effect = demo.findings.sweep.result.effect;
  json["effect"] = {{"kl", effect.kl}, {"max_change", effect.max_change}};
  json["figures"] = demo.figures;
  json["out"] = demo.out.string();
  return finish_document(json);
}

}  // namespace stratoscope
