// Computes a metric and an edit's effect from logits and the logits of the clean run.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "stratoscope/probe/effect.h"
#include "stratoscope/probe/metrics.h"
#include "stratoscope/probe/sweep.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// T is float for the engine, double for the reference.
template <class T>
class MetricReader {
 public:
  // `clean`: the logits [rows, d_vocab] that the metric reads; they are copied. With one target per row the values are
  // summed over the rows (a whole target); otherwise there is one row with all targets.
  MetricReader(Metric metric, std::vector<std::int32_t> targets, bool one_target_a_row, MatrixView<const T> clean);
  // The measures of a sweep.
  MetricReader(const SweepRequest& request, MatrixView<const T> clean);

  // Memory of one row of d_vocab logits.
  static std::size_t row_bytes(std::size_t d_vocab) { return d_vocab * (sizeof(T) + sizeof(double)); }

  GridValue clean() const { return read(clean_.matrix()); }
  // The measures and the effect of logits of the same shape. Safe to call from several threads at once.
  GridValue read(MatrixView<const T> logits) const;
  // The effect alone, for one row of logits with known log_sum_exp.
  Effect change(std::size_t row, std::span<const T> logits, double total) const;

 private:
  std::vector<Measure> measures_;
  bool one_target_a_row_;
  BasicTensor<T> clean_;
  BasicTensor<double> clean_probs_;   // [rows, d_vocab]
  std::vector<double> clean_totals_;  // log_sum_exp of each row
};

}  // namespace stratoscope
