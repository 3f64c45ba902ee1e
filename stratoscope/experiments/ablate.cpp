#include "stratoscope/experiments/ablate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/probe/sweep.h"
#include "stratoscope/probe/value_edit.h"
#include "stratoscope/session/hook_means.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/session/nonfinite_points.h"

namespace stratoscope {
namespace {

struct PartInfo {
  AblatedPart part;
  std::string_view name, title;
};
constexpr std::array<PartInfo, 5> kParts = {{{AblatedPart::head, "head", "heads"},
                                             {AblatedPart::attn, "attn", "attention"},
                                             {AblatedPart::mlp, "mlp", "MLPs"},
                                             {AblatedPart::block, "block", "blocks"},
                                             {AblatedPart::neurons, "neurons", "neurons"}}};

// The hook points of the parts, and the edits that ablate them.
class Parts {
 public:
  Parts(const Session& session, const AblateRequest& request, const Text& text, Ablations& result)
      : config_(session.config()), positions_(text.ids.size()) {
    std::iota(positions_.begin(), positions_.end(), std::size_t{0});
    if (!request.reference.empty() && !request.mean)
      throw Error("ablate", "reference texts are given, but zero ablation needs none",
                  "add --mean, or leave out --reference");
    if (!request.mean) return;
    std::set<HookPoint> points;
    for (const AblatedPart part : request.parts)
      for (std::size_t layer = 0; layer < config_.n_layers(); ++layer)
        for (const Hook hook : hooks_of(part)) points.insert({hook, layer});
    std::vector<Text> texts;
    for (std::size_t i = 0; i < request.reference.size(); ++i) {
      try {
        texts.push_back(session.read(request.reference[i], request.text_options));
      } catch (const Error& error) {
        throw Error(error.where(), "reference text " + std::to_string(i) + ": " + error.problem(), error.hint());
      }
    }
    if (texts.empty()) texts = {text};
    result.reference_texts = request.reference.size();
    for (const Text& one : texts)
      if (!request.reference.empty()) result.reference_tokens += one.ids.size();
    const std::vector<HookPoint> all(points.begin(), points.end());
    for (const auto& [point, mean] : hook_means(session, texts, all)) {
      BasicTensor<double> values({mean.size()});
      std::copy(mean.begin(), mean.end(), values.data());
      means_.emplace(point, std::make_shared<const BasicTensor<double>>(std::move(values)));
    }
  }

  std::vector<HookEdit> edits_of(const Ablation& ablation) const {
    std::vector<HookEdit> edits;
    for (const Hook hook : hooks_of(ablation.part)) {
      const HookPoint point{hook, ablation.layer};
      const Shape shape = shape_of(point, config_, 1);
      Operand operand{{0.0}, {0, 0, 0}};
      if (const auto mean = means_.find(point); mean != means_.end())
        operand = {{}, {0, shape.size() == 3 ? shape[2] : 0, 1}, mean->second};
      Chosen chosen;
      if (ablation.part == AblatedPart::head) chosen[1] = {ablation.index};
      if (ablation.part == AblatedPart::neurons) {
        chosen[2].emplace(ablation.last - ablation.index + 1);
        std::iota(chosen[2]->begin(), chosen[2]->end(), ablation.index);
      }
      edits.push_back({point, 0, std::make_shared<ValueEdit>(hook, EditOp::set, std::move(operand), std::move(chosen)),
                       positions_});
    }
    return edits;
  }

  std::vector<Ablation> all(AblatedPart part, std::size_t neurons_in_group) const {
    std::vector<Ablation> found;
    const std::size_t group =
        neurons_in_group > 0 ? neurons_in_group : std::max<std::size_t>(1, (config_.d_mlp() + 15) / 16);
    for (std::size_t layer = 0; layer < config_.n_layers(); ++layer) {
      if (part == AblatedPart::head)
        for (std::size_t head = 0; head < config_.n_heads(); ++head) found.push_back({part, layer, head, head, 0, {}});
      else if (part == AblatedPart::neurons)
        for (std::size_t first = 0; first < config_.d_mlp(); first += group)
          found.push_back({part, layer, first, std::min(config_.d_mlp(), first + group) - 1, 0, {}});
      else
        found.push_back({part, layer, 0, 0, 0, {}});
    }
    return found;
  }

 private:
  static std::vector<Hook> hooks_of(AblatedPart part) {
    switch (part) {
      case AblatedPart::head: return {Hook::z};
      case AblatedPart::attn: return {Hook::attn_out};
      case AblatedPart::mlp: return {Hook::mlp_out};
      case AblatedPart::block: return {Hook::attn_out, Hook::mlp_out};
      default: return {Hook::mlp_post};
    }
  }

  const ModelConfig& config_;
  std::vector<std::size_t> positions_;
  std::map<HookPoint, std::shared_ptr<const BasicTensor<double>>> means_;
};

void check_parts(const AblateRequest& request) {
  if (request.parts.empty()) throw Error("ablate", "there is nothing to ablate", "name parts with --parts");
  std::set<AblatedPart> seen;
  for (const AblatedPart part : request.parts)
    if (!seen.insert(part).second)
      throw Error("ablate", "the part " + in_quotes(choice_name(part)) + " is named twice");
  if (request.neurons_in_group > 0 && !seen.contains(AblatedPart::neurons))
    throw Error("ablate",
                "groups of " + std::to_string(request.neurons_in_group) + " neurons are requested, but no neurons",
                "add neurons to --parts, or leave out --neurons");
}

}  // namespace

std::string_view name_of(AblatedPart part) { return kParts[static_cast<std::size_t>(part)].name; }

void describe(AblateRequest& request, Fields& fields) {
  add_added_tokens(fields, request.text_options);
  add_truncate(fields, request.text_options);
  fields.add("parts", request.parts, "the parts to ablate: heads, attn, mlps, blocks, neurons")
      .separated(',')
      .expression();
  fields.add("mean", request.mean, "replace a part's output with its mean over all positions (default: with zero)");
  fields
      .add("reference", FieldTarget(TextsOfFile{&request.reference}),
           "take the mean over these texts, one JSON object with text per line")
      .value("FILE.jsonl");
  fields.add("neurons", request.neurons_in_group, "neurons in a group (default: sixteen groups per block)")
      .value("N")
      .at_least(1);
  add_targets(fields, request.targets);
  add_metric(fields, request.metric);
  add_position(fields, request.position);
  add_top(fields, request.top, "number of listed ablations").only_shown();
  add_memory_limit(fields, request.memory_limit);
  add_text(fields, request.text);
}

std::string name_of(const Ablation& ablation) {
  const std::string layer = std::to_string(ablation.layer);
  switch (ablation.part) {
    case AblatedPart::head: return "L" + layer + "H" + std::to_string(ablation.index);
    case AblatedPart::attn: return "attn " + layer;
    case AblatedPart::mlp: return "MLP " + layer;
    case AblatedPart::block: return "block " + layer;
    default:
      return "MLP " + layer + ", neurons " + std::to_string(ablation.index) + "–" + std::to_string(ablation.last);
  }
}

Ablations ablate(const Session& session, const AblateRequest& request) {
  Ablations result;
  result.text = session.read(request.text, request.text_options);
  result.metric = request.metric;
  result.mean = request.mean;
  result.targets = read_targets(session, request.targets);
  check_target_count("ablate", result.metric, result.targets.size());
  check_parts(request);
  if (request.position) result.position = request.position->in(result.text.ids.size(), "position");

  SweepRequest sweep_request;
  sweep_request.text = result.text.ids;
  sweep_request.metric = result.metric;
  for (const Target& target : result.targets) sweep_request.targets.push_back(target.id);
  sweep_request.position = result.position;
  sweep_request.progress = session.progress();
  const Parts parts(session, request, result.text, result);
  for (const AblatedPart part : request.parts)
    for (Ablation& ablation : parts.all(part, request.neurons_in_group)) {
      sweep_request.points.push_back(parts.edits_of(ablation));
      result.ablations.push_back(ablation);
    }
  SweepOptions options;
  options.memory_limit = request.memory_limit;
  const SweepResult swept = sweep(session.model(), sweep_request, options);
  result.clean = swept.clean;
  result.effect = swept.effect;
  result.warnings = cut_warnings(result.targets);
  NonfinitePoints nonfinite;
  for (std::size_t i = 0; i < result.ablations.size(); ++i) {
    result.ablations[i].value = swept.values[i];
    result.ablations[i].effect = swept.effects[i];
    nonfinite.look_at(swept.effects[i], [&] { return name_of(result.ablations[i]); });
  }
  nonfinite.warn("ablations", result.warnings);
  // NaN first, so that it is noticed.
  const auto size = [&](const Ablation& ablation) {
    const double change = std::abs(ablation.value - result.clean);
    return std::isnan(change) ? HUGE_VAL : change;
  };
  std::stable_sort(result.ablations.begin(), result.ablations.end(),
                   [&](const Ablation& a, const Ablation& b) { return size(a) > size(b); });
  return result;
}

Document to_json(const Session& session, const Ablations& ablations) {
  Json json = begin_document(session, ablations.effect, &ablations.text);
  json["metric"] = name_of(ablations.metric);
  if (ablations.position) json["position"] = *ablations.position;
  json["target"] = targets_json(ablations.targets);
  json["value"] = ablations.mean ? "mean" : "zero";
  if (ablations.reference_texts > 0)
    json["reference"] = {{"texts", ablations.reference_texts}, {"tokens", ablations.reference_tokens}};
  json["clean"] = ablations.clean;
  json["ablations"] = Json::array();
  for (const Ablation& ablation : ablations.ablations) {
    Json one = {{"part", name_of(ablation.part)}, {"name", name_of(ablation)}, {"layer", ablation.layer}};
    if (ablation.part == AblatedPart::head) one["head"] = ablation.index;
    if (ablation.part == AblatedPart::neurons) one["neurons"] = {ablation.index, ablation.last};
    one["value"] = ablation.value;
    one["change"] = ablation.value - ablations.clean;
    one["kl"] = ablation.effect.kl;
    json["ablations"].push_back(std::move(one));
  }
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Ablations& ablations) {
  std::vector<NamedValues> arrays;
  for (const Choice<AblatedPart>& part : kAblatedParts) {
    std::map<std::size_t, std::map<std::size_t, const Ablation*>> by_place;  // layer, head or first neuron
    for (const Ablation& ablation : ablations.ablations)
      if (ablation.part == part.value) by_place[ablation.layer][ablation.index] = &ablation;
    if (by_place.empty()) continue;
    std::vector<std::vector<double>> values(by_place.rbegin()->first + 1), kl(values.size());
    for (const auto& [layer, places] : by_place)
      for (const auto& [index, ablation] : places) {
        values[layer].push_back(ablation->value);
        kl[layer].push_back(ablation->effect.kl);
      }
    const std::string name(name_of(part.value));
    for (const auto& [array, rows] : {std::pair(name, &values), std::pair(name + "_kl", &kl)}) {
      NamedValues made = named_values(array, *rows, std::numeric_limits<double>::quiet_NaN());
      if (part.value != AblatedPart::head && part.value != AblatedPart::neurons) made.shape = {rows->size()};
      arrays.push_back(std::move(made));
    }
  }
  return arrays;
}

Figure figure_of(const Ablations& ablations) {
  Figure figure;
  const std::string title = metric_title(ablations.metric, ablations.targets);
  figure.title = std::string(ablations.mean ? "Mean" : "Zero") + " ablation of every part";
  figure.caption = "The " + title + " without each part; with all parts it is " + prose_number(ablations.clean) + ".";
  std::vector<double> changes, of_small_parts;
  for (const Ablation& ablation : ablations.ablations) {
    changes.push_back(ablation.value - ablations.clean);
    if (ablation.part == AblatedPart::head || ablation.part == AblatedPart::neurons)
      of_small_parts.push_back(changes.back());
  }
  // The change of a block is many times that of a head; on its scale all heads would be white.
  figure.color = signed_scale(of_small_parts.empty() ? changes : of_small_parts, "change of the " + title);
  const double end = figure.color->high;
  double largest = 0;
  std::size_t beyond = 0;
  for (const double change : changes) {
    if (!(std::abs(change) > end)) continue;
    ++beyond;
    if (std::abs(change) > std::abs(largest)) largest = change;
  }
  if (beyond > 0)
    figure.note = std::to_string(beyond) + " of the whole parts lie outside the range of the colours, up to " +
                  prose_number(largest) + ".";
  // One panel for heads and one for neurons, by their number; attention, MLP and block side by side.
  using Kinds = std::vector<AblatedPart>;
  for (const Kinds& kinds : {Kinds{AblatedPart::head}, Kinds{AblatedPart::attn, AblatedPart::mlp, AblatedPart::block},
                             Kinds{AblatedPart::neurons}}) {
    std::map<std::pair<AblatedPart, std::size_t>, std::map<std::size_t, double>> values;  // by place, then by block
    for (std::size_t i = 0; i < ablations.ablations.size(); ++i)
      if (const Ablation& ablation = ablations.ablations[i];
          std::find(kinds.begin(), kinds.end(), ablation.part) != kinds.end())
        values[{ablation.part, ablation.index}][ablation.layer] = changes[i];
    if (values.empty()) continue;
    Panel panel;
    panel.title = kinds.size() > 1 ? "whole parts" : std::string(kParts[static_cast<std::size_t>(kinds[0])].title);
    panel.x.title = "block";
    if (kinds[0] == AblatedPart::neurons) panel.y.title = "first neuron";
    for (const auto& [layer, value] : values.begin()->second) panel.x.ticks.push_back(block_label(layer));
    Heatmap map;
    for (const auto& [place, row] : values) {
      const auto [part, index] = place;
      panel.y.ticks.push_back(part == AblatedPart::head      ? "H" + std::to_string(index)
                              : part == AblatedPart::neurons ? std::to_string(index)
                                                             : std::string(name_of(part)));
      auto& cells = map.values.emplace_back();
      for (const auto& [layer, value] : row) cells.push_back(value);
    }
    panel.marks = {map};
    figure.panels.push_back(std::move(panel));
  }
  figure.columns = figure.panels.size();
  return figure;
}

}  // namespace stratoscope
