#include "stratoscope/model/cone/cone_rows.h"

#include <algorithm>
#include <string>

#include "stratoscope/model/pass/forward.h"
#include "stratoscope/model/pass/hooks.h"

namespace stratoscope {
namespace {

// The rows of a block by position, each with the first hook where it enters.
class Entries {
 public:
  explicit Entries(std::size_t positions) : known_(positions) {}

  void enter(std::size_t position, Hook entry) {
    auto& row = known_[position];
    if (!row)
      row = ConeRow{position, entry, false};
    else
      row->entry = std::min(row->entry, entry);
  }
  void end_with_keys_before(std::size_t first_asked) {
    for (std::size_t p = 0; p < std::min(first_asked, known_.size()); ++p)
      if (known_[p]) known_[p]->keys_only = true;
  }
  std::vector<ConeRow> rows() const {
    std::vector<ConeRow> rows;
    for (const auto& row : known_)
      if (row) rows.push_back(*row);
    return rows;
  }

 private:
  std::vector<std::optional<ConeRow>> known_;
};

std::vector<std::size_t> unique_sorted(std::vector<std::size_t> rows) {
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

}  // namespace

std::vector<std::size_t> ConeRows::left() const {
  std::vector<std::size_t> positions;
  for (const ConeRow& row : rows)
    if (!row.keys_only) positions.push_back(row.position);
  return positions;
}

bool changes_keys(Hook hook) { return info_of(hook).reach == Reach::rows_from; }

ConeRows cone_rows(const ConeRun& run, std::size_t layer, const BlockSpec& block, std::span<const std::size_t> live,
                   std::size_t positions, std::size_t first_asked) {
  Entries entries(positions);
  std::vector<std::size_t> changed_keys(live.begin(), live.end());
  for (const std::size_t position : live) entries.enter(position, Hook::resid_pre);
  for (const HookEdit& edit : run.edits) {
    if (edit.at.layer != layer || info_of(edit.at.hook).scope != Scope::block) continue;
    const Hook entry = info_of(edit.at.hook).enters_at;
    if (entry > Hook::attn_scores) continue;
    for (const std::size_t position : *edit.positions) {
      const bool is_key = changes_keys(edit.at.hook);
      if (is_key) changed_keys.push_back(position);
      if (is_key || position >= first_asked) entries.enter(position, entry);
    }
  }
  ConeRows cone;
  // All queries that see a changed key or value.
  const std::size_t window = block.attention.window;
  std::size_t next = first_asked;
  for (const std::size_t key : unique_sorted(std::move(changed_keys))) {
    if (!cone.own_keys_from) cone.own_keys_from = key;
    const std::size_t end = window > 0 ? std::min(positions, key + window) : positions;
    for (next = std::max(next, key); next < end; ++next) entries.enter(next, Hook::attn_scores);
  }
  entries.end_with_keys_before(first_asked);
  for (const HookEdit& edit : run.edits) {
    if (edit.at.layer != layer || info_of(edit.at.hook).scope != Scope::block) continue;
    const Hook entry = info_of(edit.at.hook).enters_at;
    if (entry <= Hook::attn_scores) continue;
    for (const std::size_t position : *edit.positions)
      if (position >= first_asked) entries.enter(position, entry);
  }
  cone.rows = entries.rows();
  return cone;
}

std::vector<std::size_t> embedded_rows(const ConeRun& run) {
  std::vector<std::size_t> rows;
  for (const HookEdit& edit : run.edits)
    if (info_of(edit.at.hook).scope == Scope::before_blocks)
      rows.insert(rows.end(), edit.positions->begin(), edit.positions->end());
  return unique_sorted(std::move(rows));
}

std::vector<std::size_t> unembedded_rows(const ConeRun& run, std::span<const std::size_t> live,
                                         std::size_t first_asked) {
  std::vector<std::size_t> rows(live.begin(), live.end());
  for (const HookEdit& edit : run.edits)
    if (info_of(edit.at.hook).scope == Scope::after_blocks)
      rows.insert(rows.end(), edit.positions->begin(), edit.positions->end());
  std::erase_if(rows, [&](std::size_t position) { return position < first_asked; });
  return unique_sorted(std::move(rows));
}

void check_cones(const ConeRequest& request, const ModelConfig& config) {
  constexpr const char* kWho = "edited runs";
  RunRequest texts;
  texts.sequences = request.texts;
  check_request(texts, config);
  if (!request.runs.empty() && !request.take) throw Error(kWho, "no function receives their logits");
  if (request.first_asked.size() != request.texts.size())
    throw Error(kWho, "each text needs the first position whose logits are requested");
  for (std::size_t t = 0; t < request.texts.size(); ++t)
    if (request.first_asked[t] >= request.texts[t].size())
      throw Error(kWho, "text " + std::to_string(t) + " has no position " + std::to_string(request.first_asked[t]));
  for (const ConeRun& run : request.runs) {
    if (run.text >= request.texts.size()) throw Error(kWho, "there is no text " + std::to_string(run.text));
    for (const HookEdit& edit : run.edits) {
      const std::string name = name_of(edit.at);
      check_exists(edit.at, config, kWho);
      if (!edit.positions)
        throw Error(kWho, "the edit of " + name + " does not say which positions it changes", "run it as a whole run");
      if (!std::is_sorted(edit.positions->begin(), edit.positions->end()))
        throw Error(kWho, name + ": the positions of an edit must ascend");
      if (!edit.positions->empty() && edit.positions->back() >= request.texts[run.text].size())
        throw Error(kWho, name + ": the text has no position " + std::to_string(edit.positions->back()));
    }
  }
}

}  // namespace stratoscope
