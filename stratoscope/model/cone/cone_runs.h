// Many edited runs of a few texts at once. Each computes only its causal cone: the rows that its edits can change.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "stratoscope/base/progress.h"
#include "stratoscope/model/run.h"

namespace stratoscope {

// Enough rows that reading the weights costs little, few enough that their values stay in the caches.
constexpr std::size_t kMostRowsAtOnce = 960;
// The same for complete runs as sequences of one batch.
constexpr std::size_t kRowsPerPass = 1024;

// One edited run of one text.
struct ConeRun {
  std::size_t text = 0;              // index of one of the request's texts
  std::vector<HookEdit> edits = {};  // `sequence` is not read; `positions` is required
};

// The clean runs of a request's texts, with all values that edited runs read.
struct CleanRuns;
std::shared_ptr<CleanRuns> make_clean_runs();

struct ConeRequest {
  std::vector<TokenIds> texts = {};
  // For each text: logits are requested for the positions from here on.
  std::vector<std::size_t> first_asked = {};
  std::vector<ConeRun> runs = {};
  // Called once for each text with the logits of its clean run, [requested positions, d_vocab], before any edited run.
  std::function<void(std::size_t text, MatrixView<const float> logits)> take_clean;
  // Called once for each edited run, from several threads at once.
  std::function<void(std::size_t run, MatrixView<const float> logits)> take;
  Progress* progress = nullptr;  // updated at every block; may cancel
  // If given: filled by the first request, and read by later ones with the same texts and first_asked, whose clean runs
  // then cost nothing. One request at a time.
  std::shared_ptr<CleanRuns> clean = {};
  // Maximum number of rows of one matrix product, except for a run with more rows: fewer need less memory. Results do
  // not depend on it.
  std::size_t rows_at_once = kMostRowsAtOnce;
};

// The cost of clean and edited runs, computed only from the reach of the edits. Costs of several can be added.
struct ConeCost {
  double operations = 0;       // multiplications and additions of all matrix products and of attention
  double full_operations = 0;  // the same if each were a complete run with the requested logits

  // The numbers that determine the memory.
  std::size_t texts = 0, clean_rows = 0, clean_logit_rows = 0;
  std::size_t runs = 0, edits = 0, live_rows = 0;           // rows that differ between two blocks, at most
  std::size_t block_rows = 0, largest_run = 0;              // within one block: of all runs, of one
  std::size_t logit_rows = 0, longest = 0, most_asked = 0;  // most_asked: logits of one text
  bool edits_mlp_pre = false, edits_scores = false, edits_heads = false;

  ConeCost& operator+=(const ConeCost& other);
  // Maximum memory of a request of this cost, without the model, the texts and the memory of its edits.
  std::size_t bytes(const ModelConfig& config, std::size_t rows_at_once, int threads) const;
};

// The cost of a text's clean run with logits from `first_asked` on.
ConeCost cost_of_text(std::size_t positions, std::size_t first_asked, const ModelConfig& config);
// Memory of that run, if it is kept (CleanRuns).
std::size_t kept_bytes_of_text(std::size_t positions, std::size_t first_asked, const ModelConfig& config);
// The cost of an edited run of such a text. It depends on the edits' hook points and positions; the edits themselves
// may be null.
ConeCost cost_of_run(const ConeRun& run, std::size_t positions, std::size_t first_asked, const ModelConfig& config);

class Model;
// Runs them. An edited run's logits have the same bits as those of Model::run for its text with its edits. Returns the
// number of multiplications and additions. Throws Error as Model::run does, and for an edit without the positions that
// it changes.
double run_cones(const Model& model, const ConeRequest& request);

}  // namespace stratoscope
