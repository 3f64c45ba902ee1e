#include "stratoscope/model/cone_rows.h"

#include <algorithm>
#include <string>

#include "stratoscope/model/forward.h"

namespace stratoscope {
namespace {

// Calls use(edit) for the cell's edits in this block at points that join at `join`.
template <class Use>
void for_edits(const Cell& cell, std::size_t layer, Join join, const Use& use) {
  for (const HookEdit& edit : cell.edits)
    if (edit.at.layer == layer && join_of(edit.at.hook) == join) use(edit);
}

bool changes_keys_or_values(Hook hook) { return hook == Hook::k || hook == Hook::v; }

class Rows {
 public:
  explicit Rows(std::size_t positions) : known_(positions) {}

  bool has(std::size_t position) const { return known_[position].has_value(); }
  void join(std::size_t position, Join join) {
    if (!known_[position]) known_[position] = ConeRow{position, join, false};
  }
  void leave(std::size_t position) { known_[position]->leaves = true; }
  std::optional<std::size_t> first() const {
    const auto found = std::find_if(known_.begin(), known_.end(), [](const auto& row) { return row.has_value(); });
    if (found == known_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - known_.begin());
  }
  std::vector<ConeRow> rows() const {
    std::vector<ConeRow> rows;
    for (const auto& row : known_)
      if (row) rows.push_back(*row);
    return rows;
  }

 private:
  std::vector<std::optional<ConeRow>> known_;  // by position
};

}  // namespace

std::optional<Join> join_of(Hook hook) {
  switch (hook) {
    case Hook::resid_pre:
    case Hook::ln1_scale:
    case Hook::ln1_normalized: return Join::resid_pre;
    case Hook::q:
    case Hook::k:
    case Hook::v:
    case Hook::attn_scores:
    case Hook::pattern: return Join::attention;
    case Hook::z:
    case Hook::result: return Join::z;
    case Hook::attn_out: return Join::attn_out;
    case Hook::resid_mid:
    case Hook::ln2_scale:
    case Hook::ln2_normalized: return Join::resid_mid;
    case Hook::mlp_pre: return Join::mlp_pre;
    case Hook::mlp_post: return Join::mlp_post;
    case Hook::mlp_out: return Join::mlp_out;
    case Hook::resid_post: return Join::resid_post;
    default: return std::nullopt;
  }
}

std::vector<std::size_t> ConeRows::left() const {
  std::vector<std::size_t> positions;
  for (const ConeRow& row : rows)
    if (!row.leaves) positions.push_back(row.position);
  return positions;
}

ConeRows cone_rows(const Cell& cell, std::size_t layer, std::span<const std::size_t> live, std::size_t positions,
                   std::size_t first_asked) {
  Rows rows(positions);
  for (const std::size_t position : live) rows.join(position, Join::resid_pre);
  for_edits(cell, layer, Join::resid_pre, [&](const HookEdit& edit) {
    for (const std::size_t position : *edit.positions) rows.join(position, Join::resid_pre);
  });

  ConeRows cone;
  cone.own_keys_from = rows.first();
  for_edits(cell, layer, Join::attention, [&](const HookEdit& edit) {
    if (!changes_keys_or_values(edit.at.hook) || edit.positions->empty()) return;
    const std::size_t first = edit.positions->front();
    cone.own_keys_from = std::min(cone.own_keys_from.value_or(first), first);
  });

  // Queries: all that see a changed key or value, and those that are changed themselves.
  if (cone.own_keys_from)
    for (std::size_t p = std::max(*cone.own_keys_from, first_asked); p < positions; ++p) rows.join(p, Join::attention);
  for_edits(cell, layer, Join::attention, [&](const HookEdit& edit) {
    for (const std::size_t position : *edit.positions)
      if (position >= first_asked || changes_keys_or_values(edit.at.hook)) rows.join(position, Join::attention);
  });
  for (std::size_t p = 0; p < std::min(first_asked, positions); ++p)
    if (rows.has(p)) rows.leave(p);

  for (std::size_t join = static_cast<std::size_t>(Join::z); join < kJoins; ++join)
    for_edits(cell, layer, static_cast<Join>(join), [&](const HookEdit& edit) {
      for (const std::size_t position : *edit.positions)
        if (position >= first_asked) rows.join(position, static_cast<Join>(join));
    });
  cone.rows = rows.rows();
  return cone;
}

std::vector<std::size_t> embedded_rows(const Cell& cell) {
  std::vector<std::size_t> rows;
  for (const HookEdit& edit : cell.edits)
    if (info_of(edit.at.hook).scope == Scope::before_blocks)
      rows.insert(rows.end(), edit.positions->begin(), edit.positions->end());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

std::vector<std::size_t> unembedded_rows(const Cell& cell, std::span<const std::size_t> live, std::size_t first_asked) {
  std::vector<std::size_t> rows(live.begin(), live.end());
  for (const HookEdit& edit : cell.edits)
    if (info_of(edit.at.hook).scope == Scope::after_blocks)
      rows.insert(rows.end(), edit.positions->begin(), edit.positions->end());
  std::erase_if(rows, [&](std::size_t position) { return position < first_asked; });
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

void check_cells(const CellsRequest& request, const ModelConfig& config) {
  RunRequest texts;
  texts.sequences = request.texts;
  check_request(texts, config);
  if (!request.cells.empty() && !request.take) throw Error("cells", "nobody takes the cells' logits");
  if (request.first_asked.size() != request.texts.size())
    throw Error("cells", "each text needs the first position whose logits are asked");
  for (std::size_t t = 0; t < request.texts.size(); ++t)
    if (request.first_asked[t] >= request.texts[t].size())
      throw Error("cells", "text " + std::to_string(t) + " has no position " + std::to_string(request.first_asked[t]));
  for (const Cell& cell : request.cells) {
    if (cell.text >= request.texts.size()) throw Error("cells", "there is no text " + std::to_string(cell.text));
    for (const HookEdit& edit : cell.edits) {
      const Scope scope = info_of(edit.at.hook).scope;
      if (scope == Scope::block ? edit.at.layer >= config.n_layers() : edit.at.layer != 0)
        throw Error("cells", name_of(edit.at) + " does not exist in a model of " + std::to_string(config.n_layers()) +
                                 " blocks");
      if (!edit.positions)
        throw Error("cells", "the edit of " + name_of(edit.at) + " does not say which positions it changes",
                    "run it as a whole run");
      if (!std::is_sorted(edit.positions->begin(), edit.positions->end()))
        throw Error("cells", name_of(edit.at) + ": the positions of an edit must ascend");
      if (!edit.positions->empty() && edit.positions->back() >= request.texts[cell.text].size())
        throw Error("cells", name_of(edit.at) + ": the text has no position " + std::to_string(edit.positions->back()));
    }
  }
}

}  // namespace stratoscope
