// Reads a metric and an edit's effect from logits, beside those of the clean run.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "stratoscope/probe/effect.h"
#include "stratoscope/probe/metrics.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// T is float for the engine, double for the reference.
template <class T>
class MetricReader {
 public:
  // `clean` are the logits [rows, d_vocab] that the metric is read from, copied. With one target a row the values are
  // summed over the rows (a whole target); otherwise there is one row and all targets are its.
  MetricReader(Metric metric, std::vector<std::int32_t> targets, bool one_target_a_row, MatrixView<const T> clean);

  // Memory of one row of d_vocab logits.
  static std::size_t row_bytes(std::size_t d_vocab) { return d_vocab * (sizeof(T) + sizeof(double)); }

  double clean() const { return read(clean_.matrix()).first; }
  // The metric and the effect of logits of the same shape. Safe to call from several threads at once.
  std::pair<double, Effect> read(MatrixView<const T> logits) const;
  // The effect alone, of the logits of one row whose log_sum_exp is known.
  Effect change(std::size_t row, std::span<const T> logits, double total) const;

 private:
  Metric metric_;
  std::vector<std::int32_t> targets_;
  bool one_target_a_row_;
  BasicTensor<T> clean_;
  BasicTensor<double> clean_probs_;   // [rows, d_vocab]
  std::vector<double> clean_totals_;  // log_sum_exp of each row
};

}  // namespace stratoscope
