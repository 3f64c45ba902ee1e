// Applies a request to a forward pass: at each hook point first the edits, then the captures.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "stratoscope/model/run.h"

namespace stratoscope {

// Throws Error if the model does not have the hook point; `who` begins the message.
void check_exists(HookPoint point, const ModelConfig& config, const char* who);

// The tensor of a capture with `rows` rows and `heads` heads of sequences of which the longest has `longest`. If it has
// a key axis, it is filled with the value for keys that a query does not see.
template <class T>
BasicTensor<T> capture_tensor(HookPoint point, const ModelConfig& config, std::size_t rows, std::size_t heads,
                              std::size_t longest);

// Stores the rows of one capture of a point with a key axis, one query of one head at a time. Different rows may be
// written by different threads.
template <class T>
class KeyRows {
 public:
  KeyRows(const Capture& capture, std::size_t rows, std::size_t n_heads, BasicTensor<T>& out);
  // `seen` are the numbers of the keys up to the query. A row or head that was not requested is ignored.
  void write(std::size_t head, std::size_t row, std::span<const T> seen);

 private:
  std::vector<std::optional<std::size_t>> place_of_row_, place_of_head_;
  BasicTensor<T>& out_;
};

template <class T>
class Hooks {
 public:
  // Allocates every capture of the request in `run`, whose row_offsets are set. All three must outlive this object.
  // Throws Error for a hook point that does not exist or that this run does not compute.
  Hooks(const ModelConfig& config, const RunRequest& request, Run<T>& run);

  bool captures(HookPoint point) const { return captures_.contains(point); }
  bool edits(HookPoint point) const { return edits_.contains(point); }
  bool edits(HookPoint point, std::size_t sequence) const;
  // The position in its text of a sequence's first row.
  std::size_t first_position(std::size_t sequence) const;

  // Call when the value at `point` was computed: `rows` has all rows of all sequences. Heads, if the point has them,
  // are side by side in a row.
  void fire(HookPoint point, MatrixView<T> rows);

  // The two halves of firing, for values that are never one matrix: scores, pattern, and only the last logits.
  void edit(HookPoint point, std::size_t sequence, const HookValue<T>& value);
  KeyRows<T>* key_rows(HookPoint point);  // null if the hook point is not captured

  // Throws Error with the first edit whose hook point never fired.
  void check_that_all_fired() const;

 private:
  struct Captured {
    const Capture& capture;
    BasicTensor<T>& out;
    std::optional<KeyRows<T>> key_rows;  // for points with a key axis
  };

  void add_capture(const Capture& capture, std::size_t longest);
  void copy(MatrixView<const T> rows, Captured& captured) const;
  HookValue<T> value_of(HookPoint point, MatrixView<T> rows, std::size_t sequence) const;

  const ModelConfig& config_;
  const RunRequest& request_;
  Run<T>& run_;
  std::map<HookPoint, Captured> captures_;
  std::map<HookPoint, std::vector<std::size_t>> edits_;  // hook point to indices in request_.edits
  std::map<HookPoint, bool> fired_;
};

}  // namespace stratoscope
