#include "stratoscope/model/cone/cone_batch.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace stratoscope {
namespace {

constexpr auto kNowhere = std::numeric_limits<std::uint32_t>::max();

bool enters_with_keys(const ConeRow& row) { return row.entry >= Hook::q; }

}  // namespace

ConeBatch::ConeBatch(std::vector<Member> members) : members_(std::move(members)) {
  // Groups: rows used only for keys that enter at the keys, other rows used only for keys, then one group for each hook
  // where rows enter.
  std::array<std::vector<Row>, kHooks + 2> groups;
  for (std::size_t m = 0; m < members_.size(); ++m)
    for (const ConeRow& row : members_[m].cone.rows) {
      const std::size_t group =
          row.keys_only ? (enters_with_keys(row) ? 0 : 1) : 2 + static_cast<std::size_t>(row.entry);
      groups[group].push_back({m, row});
    }
  for (std::size_t group = 0; group < groups.size(); ++group) {
    rows_.insert(rows_.end(), groups[group].begin(), groups[group].end());
    if (group == 0) late_keys_end_ = rows_.size();
    if (group == 1) keys_end_ = rows_.size();
    if (group >= 2) ends_[group - 2] = rows_.size();
  }
  places_.reserve(members_.size());
  for (const Member& member : members_) places_.emplace_back(member.positions, kNowhere);
  for (std::size_t place = 0; place < rows_.size(); ++place)
    places_[rows_[place].member][rows_[place].row.position] = static_cast<std::uint32_t>(place);
}

std::optional<std::size_t> ConeBatch::place_of(std::size_t member, std::size_t position) const {
  const std::uint32_t place = places_[member][position];
  if (place == kNowhere) return std::nullopt;
  return place;
}

}  // namespace stratoscope
