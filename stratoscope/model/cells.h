// Many edited runs of a few texts at once. Each computes only its causal cone: the rows that its edits can change.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/progress.h"
#include "stratoscope/model/run.h"

namespace STRATOSCOPE_API stratoscope {

// One edited run of one text.
struct Cell {
  std::size_t text = 0;              // which of the request's texts
  std::vector<SiteEdit> edits = {};  // `sequence` is not read; `positions` must be there
};

// The clean runs of a request's texts with all that cells take from them, about (14 d_model + 3 d_mlp) floats for each
// position and block.
struct CleanRuns;
std::shared_ptr<CleanRuns> make_clean_runs();

struct CellsRequest {
  std::vector<TokenIds> texts = {};
  // Of each text: logits are asked of the positions from here on.
  std::vector<std::size_t> first_asked = {};
  std::vector<Cell> cells = {};
  // Called once for each text with the logits of its clean run, [asked positions, d_vocab], before any cell.
  std::function<void(std::size_t text, MatrixView<const float> logits)> take_clean;
  // Called once for each cell, from several threads at once.
  std::function<void(std::size_t cell, MatrixView<const float> logits)> take;
  Progress* progress = nullptr;  // told of every block, and asked whether to stop
  // Where given: filled by the first request, and read by those that follow with the same texts and first_asked, whose
  // clean runs then cost nothing. One request at a time.
  std::shared_ptr<CleanRuns> clean = {};
};

// What a request costs, found from the reach of its edits alone.
struct CellsCost {
  double operations = 0;       // multiplications and additions of all matrix products and of attention
  double full_operations = 0;  // the same if each cell were a whole run with the logits that are asked
};

}  // namespace stratoscope
