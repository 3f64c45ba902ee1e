// Causal attention of the rows of a batch. A run's queries read the clean run's keys and values up to the first own
// ones, and then the run's own.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/model/cone/clean_block.h"
#include "stratoscope/model/cone/cone_batch.h"
#include "stratoscope/model/pass/float_pass.h"

namespace stratoscope {

struct ConeAttention {
  const ModelConfig& config;
  std::size_t layer = 0;
  const ConeBatch& batch;
  MatrixView<const float> q;  // of the batch's rows
  KeptColumns k, v;
  MatrixView<float> z;

  // Runs all rows of the clean runs; returns their keys and values by text and key head.
  std::vector<HeadKeysValues> run_clean() const;
  // Runs the edited runs, with edits of scores and pattern.
  void run(const CleanBlock& clean) const;
  // Multiplications and additions of the run.
  double operations() const;
};

}  // namespace stratoscope
