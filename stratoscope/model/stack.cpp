#include "stratoscope/model/stack.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace stratoscope {
namespace {

constexpr auto kNowhere = std::numeric_limits<std::uint32_t>::max();

std::size_t group_of(const ConeRow& row) {
  if (row.leaves) return row.join == Join::resid_pre ? 1 : 0;
  return 2 + static_cast<std::size_t>(row.join);
}

}  // namespace

Stack::Stack(std::vector<StackMember> members) : members_(std::move(members)) {
  std::vector<StackRow> groups[2 + kJoins];
  for (std::size_t m = 0; m < members_.size(); ++m)
    for (const ConeRow& row : members_[m].cone.rows) groups[group_of(row)].push_back({m, row});
  for (std::size_t g = 0; g < std::size(groups); ++g) {
    rows_.insert(rows_.end(), groups[g].begin(), groups[g].end());
    ends_[g] = rows_.size();
  }
  places_.reserve(members_.size());
  for (const StackMember& member : members_) places_.emplace_back(member.positions, kNowhere);
  for (std::size_t place = 0; place < rows_.size(); ++place)
    places_[rows_[place].member][rows_[place].row.position] = static_cast<std::uint32_t>(place);
}

std::optional<std::size_t> Stack::place_of(std::size_t member, std::size_t position) const {
  const std::uint32_t place = places_[member][position];
  if (place == kNowhere) return std::nullopt;
  return place;
}

}  // namespace stratoscope
