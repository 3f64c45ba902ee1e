// The rows of several edited runs in one block, as rows of the same matrices. Rows that enter the cone at a later part
// of the block come after those that enter earlier, so that every part works on one range of rows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "stratoscope/model/cone/cone_rows.h"
#include "stratoscope/model/pass/float_pass.h"

namespace stratoscope {

class ConeBatch {
 public:
  // An edited run, or a text's clean run, in one block.
  struct Member {
    std::size_t text = 0, positions = 0;
    const ConeRun* run = nullptr;  // null: the clean run
    ConeRows cone = {};
  };
  struct Row {
    std::size_t member = 0;
    ConeRow row = {};
  };

  explicit ConeBatch(std::vector<Member> members);

  const std::vector<Member>& members() const { return members_; }
  // In the order of the matrices.
  const std::vector<Row>& rows() const { return rows_; }
  std::size_t size() const { return rows_.size(); }
  // Empty if the row is the clean run's.
  std::optional<std::size_t> place_of(std::size_t member, std::size_t position) const;

  // The range of rows that have entered at `hook` or before: at a step before queries, keys and values; between these
  // and attention, which includes the rows that enter here and are used only for keys; after attention, without any
  // rows that are used only for keys.
  RowRange before_keys(Hook hook) const { return {late_keys_end_, end_through(hook)}; }
  RowRange with_keys(Hook hook) const { return {0, end_through(hook)}; }
  RowRange after_keys(Hook hook) const { return {keys_end_, end_through(hook)}; }

 private:
  std::size_t end_through(Hook hook) const { return ends_[static_cast<std::size_t>(hook)]; }

  std::vector<Member> members_;
  // First the rows with only keys and values, beginning with those that enter at the keys; then the others by their
  // entry.
  std::vector<Row> rows_;
  std::size_t late_keys_end_ = 0, keys_end_ = 0;
  std::array<std::size_t, kHooks> ends_{};
  std::vector<std::vector<std::uint32_t>> places_;  // [member][position]
};

}  // namespace stratoscope
