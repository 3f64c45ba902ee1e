// Where a forward pass meets its request: at each hook point the edits act, then the captures copy.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "stratoscope/model/run.h"

namespace stratoscope {

// The tensor of a capture over `rows` rows of sequences of which the longest has `longest`. Where it has a key axis, it
// is filled with what stands for a key that a query does not see.
template <class T>
BasicTensor<T> capture_tensor(Site site, const ModelConfig& config, std::size_t rows, std::size_t longest);

template <class T>
class Hooks {
 public:
  // Allocates every capture of the request in `run`, whose row_offsets are set. All three must outlive this object.
  Hooks(const ModelConfig& config, const RunRequest& request, Run<T>& run);

  bool captures(Site site) const { return captures_.contains(site); }

  // The value at `site` has come into being: `rows` holds all rows of all sequences. Heads, where the point has
  // them, lie side by side in a row.
  void fire(Site site, MatrixView<T> rows);

  // Where the model writes a value that exists only when it is captured (scores, pattern, result): null otherwise.
  BasicTensor<T>* destination(Site site);

  // Throws Error naming the first edit whose site never fired.
  void check_that_all_fired() const;

 private:
  HookValue<T> value_of(Site site, MatrixView<T> rows, std::size_t sequence) const;

  const ModelConfig& config_;
  const RunRequest& request_;
  Run<T>& run_;
  std::map<Site, std::size_t> captures_;            // site to index in run_.captured
  std::map<Site, std::vector<std::size_t>> edits_;  // site to indices in request_.edits
  std::map<Site, bool> fired_;
};

}  // namespace stratoscope
