// What a forward pass is asked for, and what it gives.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/progress.h"
#include "stratoscope/model/hook_points.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

using TokenIds = std::vector<std::int32_t>;

class KvCache;

// The value at one hook point for one sequence, to be rewritten in place. Its axes are the hook point's; a point of two
// axes has a middle one of length 1.
template <class T>
struct HookValue {
  T* data = nullptr;
  std::array<std::size_t, 3> shape{}, stride{};
  // The position in its text of the pos axis's first row: 0 unless a cache holds what came before, or only the last
  // position's logits are computed.
  std::size_t first_position = 0;

  T& operator()(std::size_t i, std::size_t j, std::size_t k) const {
    return data[i * stride[0] + j * stride[1] + k * stride[2]];
  }
};

// A rewrite of a value. Immutable; one object may serve several hook points and runs at once. Where there is a key
// axis, what is written for a key that a query does not see is ignored: neither the causal mask nor a
// window can be edited.
class Edit {
 public:
  Edit() = default;
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;
  virtual ~Edit() = default;
  virtual void apply(const HookValue<float>& value) const = 0;
  virtual void apply(const HookValue<double>& value) const = 0;
};

struct HookEdit {
  HookPoint at = {};
  std::size_t sequence = 0;  // which of the request's sequences it acts on
  std::shared_ptr<const Edit> edit = {};
  // Where the edit acts on each position alone, and may be given them one by one: those that it changes, ascending.
  std::optional<std::vector<std::size_t>> positions = {};
};

// A value to be copied, whole or in part. A hook point alone means all of it. Indices are ascending, each once.
struct Capture {
  HookPoint at = {};
  std::optional<std::vector<std::size_t>> rows = {};   // of the run's rows 0 to N-1, on the pos axis
  std::optional<std::vector<std::size_t>> heads = {};  // for points with a head axis
};

std::vector<Capture> captures_of(std::span<const HookPoint> points);

// The rows whose logits are computed.
enum class LogitRows { none, last, all };

// Where a run begins that does not begin with tokens: the residual stream that enters a block, [N, d_model]. Block
// n_layers stands for the final norm.
struct Start {
  std::size_t block = 0;
  BasicTensor<double> residual = {};  // holds float32 exactly
};

struct RunRequest {
  // Token ids of one or more texts, each at least one token, and where positions are learned at most n_ctx. They are
  // laid end to end: no padding, and no text's numbers depend on its neighbours.
  std::vector<TokenIds> sequences = {};
  std::vector<Capture> captures = {};  // of one hook point at most one
  std::vector<HookEdit> edits = {};    // at one hook point they act in this order; captures there see what they leave
  bool hidden_states = true;
  LogitRows logits = LogitRows::all;
  // Parts of a pass, with the bits of the whole one. With `start` the tokens only say how long each sequence is; with
  // `stop_at` neither that block nor any later one runs, and there are no logits.
  std::shared_ptr<const Start> start = {};
  std::optional<std::size_t> stop_at = {};
  // Keys and values of the positions before these sequences' first ones, one cache entry per sequence; the run adds
  // its own when it has succeeded. The engine alone takes one.
  KvCache* cache = nullptr;
  Progress* progress = nullptr;  // told of every block, and asked whether to stop
};

// T is float for the engine, double for the reference. Rows of all sequences lie end to end: row_offsets[s] is
// sequence s's first, row_offsets.back() their number N.
template <class T>
struct Run {
  std::vector<std::size_t> row_offsets;
  // [n_layers + 1, N, d_model], the last entry after the final norm. A partial run has the entries from start.block to
  // stop_at, the latter being what would enter that block.
  BasicTensor<T> hidden_states;
  BasicTensor<T> logits;    // [N, d_vocab], or one row per sequence for LogitRows::last
  BasicTensor<T> residual;  // with stop_at: [N, d_model], what would enter that block

  // Captured values in firing order. A point's pos axis holds the captured rows, its head axis the captured heads. The
  // key axis of scores and pattern is as long as the longest sequence (with what is cached before it), with -inf
  // (scores) and 0 (pattern) where a query sees no key.
  std::vector<std::pair<HookPoint, BasicTensor<T>>> captured;

  std::size_t sequences() const { return row_offsets.size() - 1; }
  std::size_t rows() const { return row_offsets.back(); }
  // Throws Error when the hook point was not among the request's captures.
  const BasicTensor<T>& value(HookPoint point) const {
    for (const auto& [captured_point, tensor] : captured)
      if (captured_point == point) return tensor;
    throw Error("run", name_of(point) + " was not captured");
  }
};

// A start from values of another run.
template <class T>
std::shared_ptr<const Start> start_from(std::size_t block, MatrixView<const T> residual) {
  Start start{block, BasicTensor<double>({residual.rows, residual.cols})};
  for (std::size_t r = 0; r < residual.rows; ++r)
    std::copy_n(residual.row(r), residual.cols, start.residual.matrix().row(r));
  return std::make_shared<const Start>(std::move(start));
}

}  // namespace stratoscope
