#include "stratoscope/probe/metric_reader.h"

#include <algorithm>

namespace stratoscope {

template <class T>
MetricReader<T>::MetricReader(Metric metric, std::vector<std::int32_t> targets, bool one_target_a_row,
                              MatrixView<const T> clean)
    : metric_(metric),
      targets_(std::move(targets)),
      one_target_a_row_(one_target_a_row),
      clean_({clean.rows, clean.cols}) {
  for (std::size_t r = 0; r < clean.rows; ++r) {
    std::copy_n(clean.row(r), clean.cols, clean_.matrix().row(r));
    clean_log_probs_.push_back(log_softmax<T>(clean.row_span(r)));
  }
}

template <class T>
std::pair<double, Effect> MetricReader<T>::read(MatrixView<const T> logits) const {
  double value = 0;
  Effect effect;
  for (std::size_t r = 0; r < logits.rows; ++r) {
    const auto row = logits.row_span(r);
    const auto log_probs = log_softmax<T>(row);
    const std::span<const std::int32_t> targets(targets_);
    value += metric_value<T>(metric_, row, log_probs, clean_log_probs_[r],
                             one_target_a_row_ ? targets.subspan(r, 1) : targets);
    effect.include<T>(std::as_const(clean_).matrix().row_span(r), row, clean_log_probs_[r], log_probs);
  }
  return {value, effect};
}

template class MetricReader<float>;
template class MetricReader<double>;

}  // namespace stratoscope
