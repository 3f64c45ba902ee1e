// Attribution as a document and as a figure.
#include <algorithm>
#include <cmath>

#include "stratoscope/experiments/attribution.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

Json part_json(const AttributionPart& part) {
  Json json{{"name", part.name}};
  json["layer"] = part.layer ? Json(*part.layer) : Json();
  json["contribution"] = part.contribution;
  return json;
}

Json parts_json(const std::vector<AttributionPart>& parts) {
  Json list = Json::array();
  for (const AttributionPart& part : parts) list.push_back(part_json(part));
  return list;
}

Json neurons_json(const std::vector<NeuronAttribution>& neurons) {
  Json list = Json::array();
  for (const NeuronAttribution& each : neurons)
    list.push_back({{"layer", each.layer},
                    {"neuron", each.neuron},
                    {"activation", each.activation},
                    {"contribution", each.contribution}});
  return list;
}

std::string head_label(std::size_t layer, std::size_t head) { return block_label(layer) + "H" + std::to_string(head); }

// The facts that the figure itself does not show.
std::string caption_of(const Attribution& result) {
  return "Contributions to the " + attribution_title(result) + " after position " + std::to_string(result.position) +
         ", " + token_label(result.text.tokens[result.position]) + ", which is " + prose_number(result.value) +
         cap_note(result) + "; the final norm's scale is held at " + prose_number(result.scale) + ".";
}

Panel component_bars(const Attribution& result) {
  Panel panel;
  panel.title = "By component";
  panel.x.title = "contribution";
  Bars bars;
  bars.horizontal = true;
  for (const AttributionPart& part : result.components) {
    panel.y.ticks.push_back(part.label);
    bars.values.push_back(part.contribution);
  }
  panel.marks = {std::move(bars)};
  return panel;
}

Panel head_map(const Attribution& result, std::vector<double>& all) {
  Panel panel;
  panel.title = "By head";
  panel.x.title = "head";
  panel.y.title = "block";
  Heatmap map;
  for (const HeadAttribution& head : result.heads) {
    if (head.head == 0) {
      map.values.emplace_back();
      panel.y.ticks.push_back(block_label(head.layer));
    }
    if (head.layer == 0) panel.x.ticks.push_back("H" + std::to_string(head.head));
    map.values.back().push_back(head.contribution);
    all.push_back(head.contribution);
  }
  panel.marks = {std::move(map)};
  return panel;
}

Panel source_bars(const Attribution& result, const SourceAttribution& head) {
  Panel panel;
  panel.title = head_label(head.layer, head.head) + ": " + prose_number(head.contribution);
  panel.y.title = "contribution";
  for (std::size_t p = 0; p < head.by_position.size(); ++p) panel.x.ticks.push_back(token_label(result.text.tokens[p]));
  panel.marks = {Bars{head.by_position, false, false}};
  return panel;
}

}  // namespace

std::string cap_note(const Attribution& result) {
  if (result.cap == 0) return "";
  return " before the cap of " + prose_number(result.cap) + ", and " + prose_number(result.capped_value) + " after it";
}

std::string attribution_title(const Attribution& result) {
  std::string title = "logit of " + token_label(result.targets[0].token);
  if (result.targets.size() > 1) title += " minus that of " + token_label(result.targets[1].token);
  return title;
}

std::vector<std::string> warnings_of(const Attribution& result) { return cut_warnings(result.targets); }

Document to_json(const Session& session, const Attribution& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["tokens"] = result.text.tokens;
  json["position"] = result.position;
  json["target"] = result.targets.size() == 1 ? target_json(result.targets[0]) : targets_json(result.targets);
  json["metric"] = result.targets.size() == 1 ? "logit" : "logit_diff";
  json["value"] = result.value;
  if (result.cap > 0) {
    json["logit_cap"] = result.cap;
    json["capped_value"] = result.capped_value;
  }
  json["scale"] = result.scale;
  json["sum"] = result.sum();
  json["residue"] = result.residues.components;
  json["residues"] = {{"components", result.residues.components},
                      {"heads", result.residues.heads},
                      {"neurons", result.residues.neurons},
                      {"sources", result.residues.sources}};
  json["components"] = parts_json(result.components);
  json["heads"] = Json::array();
  for (const HeadAttribution& each : result.heads)
    json["heads"].push_back({{"layer", each.layer}, {"head", each.head}, {"contribution", each.contribution}});
  json["attention_parts"] = parts_json(result.attention_parts);
  json["mlp_parts"] = parts_json(result.mlp_parts);
  json["neurons"] = {{"top", neurons_json(result.top_neurons)}, {"bottom", neurons_json(result.bottom_neurons)}};
  json["sources"] = Json::array();
  for (const SourceAttribution& each : result.sources) {
    Json source{{"layer", each.layer}, {"head", each.head}, {"contribution", each.contribution}};
    source["by_position"] = each.by_position;
    if (each.edited != 0) source["edited"] = each.edited;
    json["sources"].push_back(std::move(source));
  }
  json["by_source"] = result.by_source;
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Attribution& result) {
  std::vector<double> components, heads;
  for (const AttributionPart& part : result.components) components.push_back(part.contribution);
  for (const HeadAttribution& head : result.heads) heads.push_back(head.contribution);
  const std::size_t layers = result.heads.empty() ? 0 : result.heads.back().layer + 1;
  const Shape grid = {layers, layers == 0 ? 0 : heads.size() / layers};
  return {named_values("components", components), named_values("heads", grid, std::move(heads)),
          named_values("by_source", result.by_source)};
}

Figure figure_of(const Attribution& result, const AttributionRequest& request) {
  return figure_of(result, !request.heads.empty());
}

Figure figure_of(const Attribution& result, bool sources) {
  Figure figure;
  figure.caption = caption_of(result);
  figure.note = "Direct contributions after position " + std::to_string(result.position) +
                "; the final norm's scale is held at " + prose_number(result.scale) + ".";
  if (sources) {
    figure.title = "Sources of the heads' contributions to the " + attribution_title(result);
    figure.caption += " Each bar is the part of a head's contribution that comes from one token.";
    for (const SourceAttribution& head : result.sources) figure.panels.push_back(source_bars(result, head));
    return figure;
  }
  figure.title = "Contributions to the " + attribution_title(result);
  std::vector<double> all;
  figure.panels = {component_bars(result), head_map(result, all)};
  figure.columns = 2;
  figure.color = signed_scale(all, "contribution of the head");
  return figure;
}

}  // namespace stratoscope
