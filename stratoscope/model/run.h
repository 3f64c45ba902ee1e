// What a forward pass is asked for, and what it gives.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/base/progress.h"
#include "stratoscope/model/hook_points.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

using TokenIds = std::vector<std::int32_t>;

// The value at one site for one sequence, to be rewritten in place. Its axes are the hook point's; a point of two
// axes has a middle one of length 1.
template <class T>
struct HookValue {
  T* data = nullptr;
  std::array<std::size_t, 3> shape{}, stride{};
};

// A rewrite of a value. Immutable; one object may serve several sites and runs at once.
class Edit {
 public:
  Edit() = default;
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;
  virtual ~Edit() = default;
  virtual void apply(const HookValue<float>& value) const = 0;
  virtual void apply(const HookValue<double>& value) const = 0;
};

struct SiteEdit {
  Site site;
  std::size_t sequence = 0;  // which of the request's sequences it acts on
  std::shared_ptr<const Edit> edit;
};

// The rows whose logits are computed.
enum class LogitRows { none, last, all };

struct RunRequest {
  // Token ids of one or more texts, each at least one token and at most n_ctx. They are laid end to end: no padding,
  // and no text's numbers depend on its neighbours.
  std::vector<TokenIds> sequences;
  std::vector<Site> captures;
  std::vector<SiteEdit> edits;  // at one site they act in this order; captures there see what they leave
  bool hidden_states = true;
  LogitRows logits = LogitRows::all;
  Progress* progress = nullptr;  // told of every block, and asked whether to stop
};

// T is float for the engine, double for the reference. Rows of all sequences lie end to end: row_offsets[s] is
// sequence s's first, row_offsets.back() their number N.
template <class T>
struct Run {
  std::vector<std::size_t> row_offsets;
  BasicTensor<T> hidden_states;  // [n_layers + 1, N, d_model]; the last entry is after the final norm
  BasicTensor<T> logits;         // [N, d_vocab], or one row per sequence for LogitRows::last

  // Captured values in firing order. A point's pos axis holds N rows; the key axis of scores and pattern is as long
  // as the longest sequence, with -inf (scores) and 0 (pattern) where a query sees no key.
  std::vector<std::pair<Site, BasicTensor<T>>> captured;

  std::size_t sequences() const { return row_offsets.size() - 1; }
  std::size_t rows() const { return row_offsets.back(); }
  // Throws Error when the site was not among the request's captures.
  const BasicTensor<T>& value(Site site) const {
    for (const auto& [captured_site, tensor] : captured)
      if (captured_site == site) return tensor;
    throw Error("run", name_of(site) + " was not captured");
  }
};

}  // namespace stratoscope
