// The request and the result of a forward pass.
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

// The value at one hook point for one sequence, which an edit changes in place. Its axes are those of the hook point;
// for a point of two axes the middle one has length 1.
template <class T>
struct HookValue {
  T* data = nullptr;
  std::array<std::size_t, 3> shape{}, stride{};
  // The position in its text of the pos axis's first row: 0 unless a cache has earlier positions, or only the last
  // position's logits are computed.
  std::size_t first_position = 0;

  T& operator()(std::size_t i, std::size_t j, std::size_t k) const {
    return data[i * stride[0] + j * stride[1] + k * stride[2]];
  }
};

// A change of a value. Immutable; one object may be used at several hook points and in several runs at once. If there
// is a key axis, changes at keys that a query does not see are ignored: the causal mask and a window cannot be edited.
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
  std::size_t sequence = 0;  // index of the request's sequence that is edited
  std::shared_ptr<const Edit> edit = {};
  // The positions that the edit changes, ascending, if it acts on each position separately and may be called for one at
  // a time.
  std::optional<std::vector<std::size_t>> positions = {};
};

// A value to be copied, completely or in part. A hook point alone means all of it. Indices are ascending, each once.
struct Capture {
  HookPoint at = {};
  std::optional<std::vector<std::size_t>> rows = {};   // of the run's rows 0 to N-1, on the pos axis
  std::optional<std::vector<std::size_t>> heads = {};  // for points with a head axis
};

std::vector<Capture> captures_of(std::span<const HookPoint> points);

// The rows whose logits are computed.
enum class LogitRows { none, last, all };

// The start of a run that does not begin with tokens: the residual stream that enters a block, [N, d_model]. Block
// n_layers stands for the final norm.
struct Start {
  std::size_t block = 0;
  BasicTensor<double> residual = {};  // represents float32 exactly
};

struct RunRequest {
  // Token ids of one or more texts, each at least one token and at most longest_text(). They are concatenated without
  // padding, and a text's numbers do not depend on the other texts.
  std::vector<TokenIds> sequences = {};
  std::vector<Capture> captures = {};  // at most one for each hook point
  std::vector<HookEdit> edits = {};    // at one hook point they act in this order; captures there have the edited value
  bool hidden_states = true;
  LogitRows logits = LogitRows::all;
  // Parts of a pass, with the same bits as in the complete one. With `start` the tokens only give the length of each
  // sequence; with `stop_at` neither that block nor any later one runs, and there are no logits.
  std::shared_ptr<const Start> start = {};
  std::optional<std::size_t> stop_at = {};
  // Keys and values of the positions before these sequences' first ones, one cache entry per sequence; the run appends
  // its own when it succeeds. Only for the engine.
  KvCache* cache = nullptr;
  Progress* progress = nullptr;  // updated at every block; may cancel
};

// T is float for the engine, double for the reference. Rows of all sequences are concatenated: row_offsets[s] is the
// first of sequence s, row_offsets.back() their number N.
template <class T>
struct Run {
  std::vector<std::size_t> row_offsets;
  // [n_layers + 1, N, d_model], the last entry after the final norm. A partial run has the entries from start.block to
  // stop_at; the last one is the input of that block.
  BasicTensor<T> hidden_states;
  BasicTensor<T> logits;    // [N, d_vocab], or one row per sequence for LogitRows::last
  BasicTensor<T> residual;  // with stop_at: [N, d_model], the input of that block

  // Captured values in firing order. A point's pos axis has the captured rows, its head axis the captured heads. The
  // key axis of scores and pattern is as long as the longest sequence (with its cached positions), with -inf (scores)
  // and 0 (pattern) for keys that a query does not see.
  std::vector<std::pair<HookPoint, BasicTensor<T>>> captured;

  std::size_t sequences() const { return row_offsets.size() - 1; }
  std::size_t rows() const { return row_offsets.back(); }
  // Throws Error if the hook point is not one of the request's captures.
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
