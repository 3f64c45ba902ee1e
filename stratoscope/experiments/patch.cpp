#include "stratoscope/experiments/patch.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "stratoscope/base/error.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/probe/sweep.h"
#include "stratoscope/session/alignment.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/session/nonfinite_points.h"

namespace stratoscope {
namespace {

struct Patched {
  const char *title, *hook;
  bool by_head;
};
constexpr std::array<Patched, 4> kPatched = {{{"residual stream", "hook_resid_pre", false},
                                              {"attention out", "hook_attn_out", false},
                                              {"MLP out", "hook_mlp_out", false},
                                              {"heads", "attn.hook_z", true}}};

// The token that is likeliest in the text's clean run, after `position` or the whole text.
Target likeliest(const Session& session, Text text, std::optional<std::size_t> position) {
  if (position) text.ids.resize(*position + 1);
  RunRequest pass;
  pass.hidden_states = false;
  pass.logits = LogitRows::last;
  const EditedRun edited = run_text(session, text, {}, std::move(pass));
  const auto id = std::visit([](const auto& run) { return most_likely(run.logits.values(), 1)[0]; }, edited.run);
  return read_target(session, {"", id});
}

std::vector<Target> followed_tokens(const Session& session, const PatchRequest& request, const Patch& patch) {
  std::vector<Target> targets = read_targets(session, request.targets);
  if (!targets.empty()) return targets;
  targets = {likeliest(session, patch.clean, patch.position), likeliest(session, patch.corrupt, patch.position)};
  if (targets[0].id == targets[1].id)
    throw Error("patch",
                "both prompts make " + token_label(targets[0].token) +
                    " likeliest, so there is no difference "
                    "to follow",
                "name a --target, or two for their logit difference");
  return targets;
}

SweepRequest sweep_of(const Patch& patch, const Patched& patched, const ModelConfig& config, Progress* progress) {
  SweepRequest sweep;
  sweep.text = (patch.noising ? patch.clean : patch.corrupt).ids;
  sweep.corrupt = (patch.noising ? patch.corrupt : patch.clean).ids;
  sweep.edits = {"blocks.{layer}." + std::string(patched.hook) + (patched.by_head ? ".head[{head}]" : "[{position}]") +
                 " = corrupt"};
  for (const char* axis : {"layer=all", patched.by_head ? "head=all" : "position=all"})
    sweep.axes.push_back(resolve_axis(axis, config, sweep.text.size()));
  sweep.metric = patch.metric;
  for (const Target& target : patch.targets) sweep.targets.push_back(target.id);
  sweep.position = patch.position;
  sweep.progress = progress;
  return sweep;
}

// The metric in the other prompt's run, which is the run with the first block's input replaced at every position.
SweepRequest other_end(const SweepRequest& sweep) {
  SweepRequest other = sweep;
  other.edits = {"blocks.0.hook_resid_pre = corrupt"};
  other.axes.clear();
  return other;
}

double normalised(const Patch& patch, double value) {
  return (value - patch.corrupt_value) / (patch.clean_value - patch.corrupt_value);
}

// The token of each position; both tokens if the prompts differ there.
std::vector<std::string> position_labels(const Patch& patch) {
  std::vector<std::string> labels;
  for (std::size_t p = 0; p < patch.clean.tokens.size(); ++p) {
    const std::string &clean = patch.clean.tokens[p], &corrupt = patch.corrupt.tokens[p];
    labels.push_back(token_label(clean == corrupt ? clean : clean + " →" + corrupt));
  }
  return labels;
}

}  // namespace

void describe(PatchRequest& request, Fields& fields) {
  fields.add("corrupt", request.corrupt, "the corrupt prompt, as many tokens as TEXT").value("TEXT").required();
  add_added_tokens(fields, request.text_options);
  fields.add("noising", request.noising,
             "corrupt values into the clean run (default: clean values into the corrupt run)");
  add_targets(fields, request.targets, "the token that the metric follows; two for their logit difference");
  fields.add("metric", request.metric, "default: logit_diff of two targets, log_prob of one").expression();
  add_position(fields, request.position);
  add_memory_limit(fields, request.memory_limit);
  add_text(fields, request.text, "the clean prompt; - for standard input");
}

Patch patch(const Session& session, const PatchRequest& request) {
  Patch patch;
  patch.clean = session.read(request.text, request.text_options);
  patch.corrupt = session.read(request.corrupt, request.text_options);
  if (patch.clean.ids.size() != patch.corrupt.ids.size()) {
    LengthMismatch mismatch("patch",
                            "the clean prompt has " + std::to_string(patch.clean.ids.size()) +
                                " tokens, the corrupt one " + std::to_string(patch.corrupt.ids.size()),
                            "patching goes from position to position: both need the same number");
    mismatch.set_details(side_by_side(patch.clean, patch.corrupt));
    throw std::move(mismatch);
  }
  patch.noising = request.noising;
  if (request.position) patch.position = request.position->in(patch.clean.ids.size(), "position");
  patch.targets = followed_tokens(session, request, patch);
  patch.metric = request.metric.value_or(patch.targets.size() == 2 ? Metric::logit_diff : Metric::log_prob);
  if (patch.metric == Metric::kl)
    throw Error("patch", "kl cannot be normalised between a clean and a corrupt value", "choose another --metric");

  std::vector<SweepRequest> sweeps;
  sweeps.reserve(kPatched.size() + 1);
  for (const Patched& patched : kPatched)
    sweeps.push_back(sweep_of(patch, patched, session.config(), session.progress()));
  sweeps.push_back(other_end(sweeps[0]));
  SweepOptions options;
  options.memory_limit = request.memory_limit;
  const auto results = sweep_all(session.model(), sweeps, options);
  patch.clean_value = patch.noising ? results[0].clean : results.back().values[0];
  patch.corrupt_value = patch.noising ? results.back().values[0] : results[0].clean;
  for (const auto& [value, which] : {std::pair(patch.clean_value, "clean"), std::pair(patch.corrupt_value, "corrupt")})
    if (!std::isfinite(value))
      throw Error("patch", "the " + metric_title(patch.metric, patch.targets) + " is not finite in the " + which +
                               " prompt's run, so values cannot be normalised");
  const double apart = std::abs(patch.clean_value - patch.corrupt_value);
  if (!(apart > 1e-6 * std::max(std::abs(patch.clean_value), std::abs(patch.corrupt_value))))
    throw Error("patch",
                "the " + metric_title(patch.metric, patch.targets) +
                    " is the same in both prompts, so values cannot be normalised",
                "name other targets or another --metric");
  patch.warnings = cut_warnings(patch.targets);
  NonfinitePoints nonfinite;
  for (std::size_t g = 0; g < kPatched.size(); ++g) {
    PatchGrid& grid = patch.grids.emplace_back(PatchGrid{kPatched[g].title, kPatched[g].hook, kPatched[g].by_head, {}});
    const std::size_t places = sweeps[g].axes[1].values.size();
    for (std::size_t cell = 0; cell < results[g].values.size(); ++cell) {
      if (cell % places == 0) grid.values.emplace_back();
      grid.values.back().push_back(normalised(patch, results[g].values[cell]));
      nonfinite.look_at(results[g].effects[cell], [&] {
        return grid.title + ", block " + std::to_string(cell / places) + (grid.by_head ? ", head " : ", position ") +
               std::to_string(cell % places);
      });
    }
    patch.effect.include(results[g].effect);
  }
  nonfinite.warn("patches", patch.warnings);
  return patch;
}

Document to_json(const Session& session, const Patch& patch) {
  Json json = begin_document(session, patch.effect, &patch.clean);
  json["clean"] = {{"text", patch.clean.text}, {"value", patch.clean_value}};
  json["corrupt"] = {{"text", patch.corrupt.text}, {"value", patch.corrupt_value}};
  json["direction"] = patch.noising ? "noising" : "denoising";
  json["metric"] = name_of(patch.metric);
  if (patch.position) json["position"] = *patch.position;
  json["target"] = targets_json(patch.targets);
  json["tokens"] = {{"clean", patch.clean.tokens}, {"corrupt", patch.corrupt.tokens}};
  json["grids"] = Json::array();
  for (const PatchGrid& grid : patch.grids)
    json["grids"].push_back({{"title", grid.title},
                             {"hook", grid.hook},
                             {"axes", {"layer", grid.by_head ? "head" : "position"}},
                             {"values", grid.values}});
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Patch& patch) {
  std::vector<NamedValues> arrays;
  for (const PatchGrid& grid : patch.grids) arrays.push_back(named_values(grid.hook, grid.values));
  return arrays;
}

Figure figure_of(const Patch& patch) {
  Figure figure;
  figure.title = std::string("Patching ") +
                 (patch.noising ? "corrupt values into the clean run" : "clean values into the corrupt run");
  figure.caption = "The " + metric_title(patch.metric, patch.targets) + ": " + prose_number(patch.clean_value) +
                   " in the clean run, " + prose_number(patch.corrupt_value) + " in the corrupt one. " +
                   (patch.noising ? "−1: one patch makes it the corrupt run's; 0: it changes nothing."
                                  : "1: one patch makes it the clean run's; 0: it changes nothing.");
  figure.note = "1 is the clean run's " + prose_number(patch.clean_value) + ", 0 the corrupt one's " +
                prose_number(patch.corrupt_value) + (patch.noising ? ", before 1 is subtracted." : ".");
  // The changes by the patches, so that no change is white.
  std::vector<double> all;
  for (const PatchGrid& grid : patch.grids) {
    Panel panel;
    panel.title = grid.title;
    panel.y.title = "block";
    panel.x.title = grid.by_head ? "head" : "position";
    Heatmap map;
    for (std::size_t layer = 0; layer < grid.values.size(); ++layer) {
      panel.y.ticks.push_back(block_label(layer));
      std::vector<double>& row = map.values.emplace_back(grid.values[layer]);
      if (patch.noising)
        for (double& value : row) value -= 1;
      all.insert(all.end(), row.begin(), row.end());
    }
    if (grid.by_head)
      for (std::size_t head = 0; head < grid.values[0].size(); ++head)
        panel.x.ticks.push_back("H" + std::to_string(head));
    else
      panel.x.ticks = position_labels(patch);
    panel.marks = {map};
    figure.panels.push_back(std::move(panel));
  }
  figure.columns = 2;
  figure.color = signed_scale(all, patch.noising ? "normalised metric, minus 1" : "normalised metric");
  return figure;
}

}  // namespace stratoscope
