// Many edited runs of a few texts at once. Each computes only its causal cone: the rows that its edits can change.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "stratoscope/base/progress.h"
#include "stratoscope/model/run.h"

namespace stratoscope {

// Enough that reading the weights costs little, few enough that their values stay near.
constexpr std::size_t kMostRowsAtOnce = 960;
// The same for whole runs as sequences of one batch.
constexpr std::size_t kRowsPerPass = 1024;

// One edited run of one text.
struct ConeRun {
  std::size_t text = 0;              // which of the request's texts
  std::vector<HookEdit> edits = {};  // `sequence` is not read; `positions` must be there
};

// The clean runs of a request's texts with all that edited runs take from them.
struct CleanRuns;
std::shared_ptr<CleanRuns> make_clean_runs();

struct ConeRequest {
  std::vector<TokenIds> texts = {};
  // Of each text: logits are asked of the positions from here on.
  std::vector<std::size_t> first_asked = {};
  std::vector<ConeRun> runs = {};
  // Called once for each text with the logits of its clean run, [asked positions, d_vocab], before any edited run.
  std::function<void(std::size_t text, MatrixView<const float> logits)> take_clean;
  // Called once for each edited run, from several threads at once.
  std::function<void(std::size_t run, MatrixView<const float> logits)> take;
  Progress* progress = nullptr;  // told of every block, and asked whether to stop
  // Where given: filled by the first request, and read by those that follow with the same texts and first_asked, whose
  // clean runs then cost nothing. One request at a time.
  std::shared_ptr<CleanRuns> clean = {};
  // Rows of one matrix product, at most but for a run that has more: fewer take less memory. No result depends on it.
  std::size_t rows_at_once = kMostRowsAtOnce;
};

// What clean and edited runs cost, found from the reach of the edits alone. Those of several add up.
struct ConeCost {
  double operations = 0;       // multiplications and additions of all matrix products and of attention
  double full_operations = 0;  // the same if each were a whole run with the logits that are asked

  // What memory depends on.
  std::size_t texts = 0, clean_rows = 0, clean_logit_rows = 0;
  std::size_t runs = 0, edits = 0, live_rows = 0;           // rows that differ between two blocks, at most
  std::size_t block_rows = 0, largest_run = 0;              // within one block: of all runs, of one
  std::size_t logit_rows = 0, longest = 0, most_asked = 0;  // most_asked: logits of one text
  bool edits_mlp_pre = false, edits_scores = false, edits_heads = false;

  ConeCost& operator+=(const ConeCost& other);
  // Memory that a request of this cost holds at most, beside the model, the texts and what its edits hold.
  std::size_t bytes(const ModelConfig& config, std::size_t rows_at_once, int threads) const;
};

// Of a text's clean run whose logits are asked from `first_asked` on.
ConeCost cost_of_text(std::size_t positions, std::size_t first_asked, const ModelConfig& config);
// Memory of that run, when it is kept (CleanRuns).
std::size_t kept_bytes_of_text(std::size_t positions, std::size_t first_asked, const ModelConfig& config);
// Of an edited run of such a text. Its edits' hook points and positions count; the edits themselves may be missing.
ConeCost cost_of_run(const ConeRun& run, std::size_t positions, std::size_t first_asked, const ModelConfig& config);

class Model;
// Runs them. An edited run's logits have the bits that Model::run gives for its text with its edits. Returns the
// multiplications and additions that were done. Throws Error as Model::run does, and for an edit that does not say
// which positions it changes.
double run_cones(const Model& model, const ConeRequest& request);

}  // namespace stratoscope
