// Where a forward pass meets its request: at each hook point the edits act, then the captures copy.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "stratoscope/model/run.h"

namespace stratoscope {

// Throws Error where the model does not have the hook point; `who` begins the message.
void check_exists(HookPoint point, const ModelConfig& config, const char* who);

// The tensor of a capture over `rows` rows and `heads` heads of sequences of which the longest has `longest`. Where it
// has a key axis, it is filled with what stands for a key that a query does not see.
template <class T>
BasicTensor<T> capture_tensor(HookPoint point, const ModelConfig& config, std::size_t rows, std::size_t heads,
                              std::size_t longest);

// Takes the rows of one capture of a point with a key axis, one query of one head at a time. Different rows may be
// written by different threads.
template <class T>
class KeyRows {
 public:
  KeyRows(const Capture& capture, std::size_t rows, std::size_t n_heads, BasicTensor<T>& out);
  // `seen` are the numbers of the keys up to the query. Nothing happens for a row or head that was not asked.
  void write(std::size_t head, std::size_t row, std::span<const T> seen);

 private:
  std::vector<std::optional<std::size_t>> place_of_row_, place_of_head_;
  BasicTensor<T>& out_;
};

template <class T>
class Hooks {
 public:
  // Allocates every capture of the request in `run`, whose row_offsets are set. All three must outlive this object.
  // Throws Error for a hook point that does not exist or that this run never reaches.
  Hooks(const ModelConfig& config, const RunRequest& request, Run<T>& run);

  bool captures(HookPoint point) const { return captures_.contains(point); }
  bool edits(HookPoint point) const { return edits_.contains(point); }
  bool edits(HookPoint point, std::size_t sequence) const;
  // The position in its text of a sequence's first row.
  std::size_t first_position(std::size_t sequence) const;

  // The value at `point` has come into being: `rows` holds all rows of all sequences. Heads, where the point has
  // them, lie side by side in a row.
  void fire(HookPoint point, MatrixView<T> rows);

  // The two halves of firing, for values that never exist as one matrix: scores, pattern, and the last logits alone.
  void edit(HookPoint point, std::size_t sequence, const HookValue<T>& value);
  KeyRows<T>* key_rows(HookPoint point);  // null where the hook point is not captured

  // Throws Error naming the first edit whose hook point never fired.
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
