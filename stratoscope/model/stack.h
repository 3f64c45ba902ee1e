// The rows of several cells in one block, as rows of the same matrices. Rows that join the cone at a later part of the
// block lie behind those that join earlier, so that every part works on one run of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stratoscope/model/cone_rows.h"

namespace stratoscope {

// One cell, or one text's clean run, in one block.
struct StackMember {
  std::size_t text = 0, positions = 0;
  const Cell* cell = nullptr;  // nothing: the clean run
  ConeRows cone;
};

struct StackRow {
  std::size_t member = 0;
  ConeRow row;
};

class Stack {
 public:
  explicit Stack(std::vector<StackMember> members);

  const std::vector<StackMember>& members() const { return members_; }
  // By their place in the matrices.
  const std::vector<StackRow>& rows() const { return rows_; }
  std::size_t size() const { return rows_.size(); }
  // Nothing where the clean run's row is meant.
  std::optional<std::size_t> place_of(std::size_t member, std::size_t position) const;

  struct Range {
    std::size_t first = 0, end = 0;
    std::size_t count() const { return end - first; }
  };
  // Rows that need layer norm 1, q, k and v.
  Range attended() const { return {ends_[0], ends_[2]}; }
  // Rows that have a q, k and v of their own, computed or joined.
  Range with_keys() const { return {0, ends_[3]}; }
  // Rows of the parts behind attention that have joined at `join` or before.
  Range up_to(Join join) const { return {ends_[1], ends_[2 + static_cast<std::size_t>(join)]}; }
  // Rows that join exactly there.
  Range joining(Join join) const {
    return {ends_[1 + static_cast<std::size_t>(join)], ends_[2 + static_cast<std::size_t>(join)]};
  }
  // Rows that join at attention to leave after it.
  Range leaving_with_clean_keys() const { return {0, ends_[0]}; }

 private:
  std::vector<StackMember> members_;
  std::vector<StackRow> rows_;
  // Ends of: rows that join at attention and leave, that join before and leave, then those that stay, by their join.
  std::size_t ends_[2 + kJoins] = {};
  std::vector<std::vector<std::uint32_t>> places_;  // [member][position]
};

}  // namespace stratoscope
