#include "stratoscope/probe/captures.h"

#include <algorithm>
#include <map>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/indices.h"

namespace stratoscope {
namespace {

std::optional<std::vector<std::size_t>> chosen_heads(const HookExpression& expression, const HookMatch& match,
                                                     const ModelConfig& config) {
  if (match.heads && expression.heads)
    throw Error("capture", in_quotes(expression.hook) + " names heads, and .head[…] others", "leave out one of them");
  if (match.heads) return match.heads;
  if (!expression.heads) return std::nullopt;
  for (const HookPoint point : match.points)
    if (!has_axis(point, HookAxis::head, config))
      throw Error("capture", name_of(point) + " has no axis for the selector .head[…]");
  return expression.heads->set_in(heads_of(match.points[0], config), "head");
}

bool is_computed(HookPoint point, const RunRequest& part) {
  switch (info_of(point.hook).scope) {
    case Scope::before_blocks: return !part.start;
    case Scope::after_blocks: return !part.stop_at;
    default: return (!part.start || point.layer >= part.start->block) && (!part.stop_at || point.layer < *part.stop_at);
  }
}

}  // namespace

CaptureList::CaptureList(const std::vector<HookExpression>& expressions, const ModelConfig& config,
                         const RunRequest* part) {
  std::map<HookPoint, Item> chosen;
  for (const HookExpression& expression : expressions) {
    if (expression.keys || expression.dims)
      throw Error("capture", in_quotes(expression.text) + " selects " + (expression.keys ? "keys" : "dimensions"),
                  "a capture takes positions and heads: HOOK[2:5].head[0]");
    HookMatch match = match_hook(expression.hook, config);
    if (part != nullptr) {
      const bool some = match.is_glob && std::any_of(match.points.begin(), match.points.end(),
                                                     [&](HookPoint point) { return is_computed(point, *part); });
      if (some) std::erase_if(match.points, [&](HookPoint point) { return !is_computed(point, *part); });
    }
    if (match.is_glob) globs_.push_back({expression.text, match.points});
    const auto heads = chosen_heads(expression, match, config);
    for (const HookPoint point : match.points) {
      const auto [known, is_new] = chosen.emplace(point, Item{point, expression.positions, heads});
      if (!is_new && (known->second.positions != expression.positions || known->second.heads != heads))
        throw Error("capture", name_of(point) + " is captured twice, with different positions or heads",
                    "name all of them in one capture");
    }
  }
  for (const HookPoint point : all_hook_points(config))
    if (const auto found = chosen.find(point); found != chosen.end()) items_.push_back(found->second);
}

std::vector<HookPoint> CaptureList::points() const {
  std::vector<HookPoint> points;
  for (const Item& item : items_) points.push_back(item.at);
  return points;
}

std::vector<Capture> CaptureList::of_texts(std::span<const std::size_t> row_offsets) const {
  std::vector<Capture> captures;
  for (const Item& item : items_) {
    Capture capture{item.at, std::nullopt, item.heads};
    if (item.positions) {
      capture.rows.emplace();
      for (std::size_t s = 0; s + 1 < row_offsets.size(); ++s)
        for (const std::size_t position : item.positions->set_in(row_offsets[s + 1] - row_offsets[s], "position"))
          capture.rows->push_back(row_offsets[s] + position);
    }
    captures.push_back(std::move(capture));
  }
  return captures;
}

}  // namespace stratoscope
