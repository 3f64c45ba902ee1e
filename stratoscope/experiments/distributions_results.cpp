// Distributions as a document, as arrays and as a figure.
#include <algorithm>
#include <cmath>
#include <limits>

#include "stratoscope/experiments/distributions.h"
#include "stratoscope/figures/number_text.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostPanelsInRow = 4;

// A measure that is undefined (the kurtosis of equal numbers) is null and needs no warning.
Json defined(double value) { return std::isnan(value) ? Json() : Json(value); }

Json block_json(const Distribution& of, DocumentParts parts) {
  const Moments& moments = of.moments;
  Json json{{"hook_point", of.hook_point}, {"block", of.block ? Json(*of.block) : Json()}};
  json["count"] = moments.count();
  json["mean"] = moments.mean();
  json["variance"] = moments.variance();
  json["kurtosis"] = defined(moments.excess_kurtosis());
  json["zeros"] = moments.zeros();
  json["min"] = moments.min();
  json["max"] = moments.max();
  json["below"] = of.histogram.below();
  json["above"] = of.histogram.above();
  if (parts == DocumentParts::all) json["counts"] = of.histogram.counts();
  return json;
}

Json hooks_json(const std::vector<HookDistributions>& hooks, DocumentParts parts) {
  Json all = Json::array();
  for (const HookDistributions& hook : hooks) {
    Json json{{"hook", hook.hook}, {"label", hook.label}};
    if (parts == DocumentParts::all) json["edges"] = hook.blocks.front().histogram.edges();
    json["blocks"] = Json::array();
    for (const Distribution& each : hook.blocks) json["blocks"].push_back(block_json(each, parts));
    all.push_back(std::move(json));
  }
  return all;
}

double outside(const Distribution& of) { return static_cast<double>(of.histogram.below() + of.histogram.above()); }

struct Moment {
  const char* name;
  double (*of)(const Distribution& distribution);
};
constexpr Moment kMoments[] = {
    {"count", [](const Distribution& of) { return static_cast<double>(of.moments.count()); }},
    {"mean", [](const Distribution& of) { return of.moments.mean(); }},
    {"variance", [](const Distribution& of) { return of.moments.variance(); }},
    {"kurtosis", [](const Distribution& of) { return of.moments.excess_kurtosis(); }},
    {"zeros", [](const Distribution& of) { return of.moments.zeros(); }},
    {"min", [](const Distribution& of) { return of.moments.min(); }},
    {"max", [](const Distribution& of) { return of.moments.max(); }},
    {"outside", outside},
};

// The place of a distribution on the axis of blocks.
std::size_t place_of(const Distribution& of, const std::vector<std::size_t>& blocks) {
  if (!of.block) return 0;
  return static_cast<std::size_t>(std::lower_bound(blocks.begin(), blocks.end(), *of.block) - blocks.begin());
}

void add_arrays(const std::vector<HookDistributions>& hooks, const std::vector<std::size_t>& blocks,
                const std::string& prefix, std::vector<NamedValues>& arrays) {
  const std::size_t columns = std::max<std::size_t>(blocks.size(), 1);
  const std::size_t bins = hooks[0].blocks[0].histogram.counts().size();
  std::vector<double> edges;
  std::vector<std::int64_t> counts(hooks.size() * columns * bins, 0);
  for (std::size_t h = 0; h < hooks.size(); ++h) {
    const auto& of = hooks[h].blocks.front().histogram.edges();
    edges.insert(edges.end(), of.begin(), of.end());
    for (const Distribution& each : hooks[h].blocks)
      std::copy(each.histogram.counts().begin(), each.histogram.counts().end(),
                counts.begin() + static_cast<std::ptrdiff_t>((h * columns + place_of(each, blocks)) * bins));
  }
  arrays.push_back(named_values(prefix + "edges", {hooks.size(), bins + 1}, std::move(edges)));
  arrays.push_back(named_values(prefix + "counts", {hooks.size(), columns, bins}, std::move(counts)));
  for (const Moment& measure : kMoments) {
    std::vector<double> values(hooks.size() * columns, kUndefined);
    for (std::size_t h = 0; h < hooks.size(); ++h)
      for (const Distribution& each : hooks[h].blocks) values[h * columns + place_of(each, blocks)] = measure.of(each);
    arrays.push_back(named_values(prefix + measure.name, {hooks.size(), columns}, std::move(values)));
  }
}

std::vector<std::string> block_labels(const HookDistributions& hook) {
  std::vector<std::string> labels;
  for (const Distribution& each : hook.blocks) labels.push_back(each.block ? block_label(*each.block) : "all values");
  return labels;
}

Panel histogram_panel(const HookDistributions& hook, const std::string& title) {
  const bool in_blocks = hook.blocks.front().block.has_value();
  Panel panel{title, {in_blocks ? "block" : "", block_labels(hook), std::nullopt, false}, {}, {}};
  const auto& edges = hook.blocks.front().histogram.edges();
  panel.y.title = "value";
  panel.y.range = {edges.front(), edges.back()};
  Heatmap map;
  for (std::size_t bin = edges.size() - 1; bin-- > 0;) {
    auto& row = map.values.emplace_back();
    for (const Distribution& each : hook.blocks)
      row.push_back(std::log10(1 + static_cast<double>(each.histogram.counts()[bin])));
  }
  panel.marks = {std::move(map)};
  return panel;
}

using MeasureOf = double (*)(const Distribution& distribution);

// Lines of one measure by block; hooks outside of the blocks have none.
class MeasurePanel {
 public:
  MeasurePanel(const Distributions& result, const std::string& title, MeasureOf of) : result_(result), of_(of) {
    panel_.title = title;
    panel_.x.title = "block";
    for (const std::size_t block : result.blocks) panel_.x.ticks.push_back(block_label(block));
  }

  MeasurePanel& add(const HookDistributions& hook, const std::string& label) {
    Line line{label, {}, {}, true};
    for (const Distribution& each : hook.blocks) {
      if (!each.block) continue;
      line.x.push_back(static_cast<double>(place_of(each, result_.blocks)));
      line.y.push_back(of_(each));
    }
    if (!line.x.empty()) panel_.marks.emplace_back(std::move(line));
    return *this;
  }

  const Panel& panel() const { return panel_; }

 private:
  const Distributions& result_;
  MeasureOf of_;
  Panel panel_;
};

constexpr std::pair<const char*, MeasureOf> kDrawn[] = {
    {"Variance", [](const Distribution& of) { return of.moments.variance(); }},
    {"Excess kurtosis", [](const Distribution& of) { return of.moments.excess_kurtosis(); }}};

// One panel per measure with a line per hook; of a comparison one per measure and hook, with a line per run.
std::vector<Panel> measure_panels(const Distributions& result) {
  std::vector<Panel> panels;
  for (const auto& [title, of] : kDrawn) {
    if (result.clean.empty()) {
      MeasurePanel all(result, title, of);
      for (const HookDistributions& hook : result.hooks) all.add(hook, hook.label);
      panels.push_back(all.panel());
      continue;
    }
    for (std::size_t h = 0; h < result.hooks.size(); ++h)
      panels.push_back(MeasurePanel(result, std::string(title) + ", " + result.hooks[h].label, of)
                           .add(result.clean[h], "clean")
                           .add(result.hooks[h], "edited")
                           .panel());
  }
  std::erase_if(panels, [](const Panel& panel) { return panel.marks.empty(); });
  return panels;
}

std::string outside_note(const Distributions& result) {
  std::size_t left_out = 0, all = 0;
  for (const auto* run : {&result.hooks, &result.clean})
    for (const HookDistributions& hook : *run)
      for (const Distribution& each : hook.blocks) {
        left_out += static_cast<std::size_t>(each.histogram.below() + each.histogram.above());
        all += each.moments.count();
      }
  if (left_out == 0) return {};
  return grouped(left_out) + " of " + grouped(all) + (left_out == 1 ? " values lies" : " values lie") +
         " outside of the bins.";
}

}  // namespace

Document to_json(const Session& session, const Distributions& result, DocumentParts parts) {
  Json json = begin_document(session, result.effect, &result.text);
  add_globs(result.globs, json);
  json["tokens"] = result.text.tokens;
  json["bins"] = result.hooks[0].blocks[0].histogram.counts().size();
  json["hooks"] = hooks_json(result.hooks, parts);
  if (!result.clean.empty()) json["clean"] = {{"hooks", hooks_json(result.clean, parts)}};
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Distributions& result) {
  std::vector<NamedValues> arrays;
  add_arrays(result.hooks, result.blocks, "", arrays);
  if (!result.clean.empty()) add_arrays(result.clean, result.blocks, "clean_", arrays);
  return arrays;
}

Figure figure_of(const Distributions& result) {
  Figure figure;
  figure.title = "Distributions by block";
  figure.caption =
      "How many values fall into each bin, block by block, on a logarithmic scale of colours; the variance of the "
      "values "
      "and their excess kurtosis, which is 0 for a normal distribution.";
  figure.note = outside_note(result);
  double highest = 0;
  std::vector<Panel> clean, edited, measures = measure_panels(result);
  const auto add = [&](const HookDistributions& hook, const char* suffix, std::vector<Panel>& panels) {
    for (const Distribution& each : hook.blocks)
      for (const std::int64_t bin : each.histogram.counts())
        highest = std::max(highest, std::log10(1.0 + static_cast<double>(bin)));
    panels.push_back(histogram_panel(hook, hook.label + suffix));
  };
  for (const HookDistributions& hook : result.clean) add(hook, ", clean", clean);
  for (const HookDistributions& hook : result.hooks) add(hook, clean.empty() ? "" : ", edited", edited);
  const auto append = [&](const std::vector<Panel>& panels) {
    figure.panels.insert(figure.panels.end(), panels.begin(), panels.end());
  };
  const std::size_t count = edited.size();
  figure.columns = count == 1 ? (clean.empty() ? 3 : 2) : std::min(count, kMostPanelsInRow);
  if (count == 1 && measures.size() == 2 && !clean.empty()) {  // a measure beside each run
    figure.panels = {clean[0], measures[0], edited[0], measures[1]};
  } else if (count <= kMostPanelsInRow) {  // the clean run's panels stand above those with edits
    append(clean);
    append(edited);
    append(measures);
  } else {
    for (std::size_t h = 0; h < count; ++h) {
      if (!clean.empty()) figure.panels.push_back(clean[h]);
      figure.panels.push_back(edited[h]);
    }
    append(measures);
  }
  figure.color = ColorScale{ColorMap::viridis, "log10(1 + count)", 0, highest > 0 ? highest : 1};
  return figure;
}

}  // namespace stratoscope
