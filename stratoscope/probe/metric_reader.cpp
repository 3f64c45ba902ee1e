#include "stratoscope/probe/metric_reader.h"

#include <algorithm>

#include "stratoscope/ops/exponentials.h"

namespace stratoscope {

template <class T>
MetricReader<T>::MetricReader(Metric metric, std::vector<std::int32_t> targets, bool one_target_a_row,
                              MatrixView<const T> clean)
    : measures_{{metric, std::move(targets)}},
      one_target_a_row_(one_target_a_row),
      clean_({clean.rows, clean.cols}),
      clean_probs_({clean.rows, clean.cols}) {
  for (std::size_t r = 0; r < clean.rows; ++r) {
    std::copy_n(clean.row(r), clean.cols, clean_.matrix().row(r));
    exp_each(clean.row_span(r), clean_totals_.emplace_back(log_sum_exp<T>(clean.row_span(r))),
             clean_probs_.matrix().row_span(r));
  }
}

template <class T>
MetricReader<T>::MetricReader(const SweepRequest& request, MatrixView<const T> clean)
    : MetricReader(request.metric, request.targets, request.whole, clean) {
  measures_.insert(measures_.end(), request.also.begin(), request.also.end());
}

template <class T>
GridValue MetricReader<T>::read(MatrixView<const T> logits) const {
  std::vector<double> values(measures_.size());
  Effect effect;
  for (std::size_t r = 0; r < logits.rows; ++r) {
    const auto row = logits.row_span(r);
    const SoftmaxSums sums = softmax_sums<T>(row);
    const Effect of_row = change(r, row, sums.log_sum_exp);
    for (std::size_t m = 0; m < measures_.size(); ++m) {
      const std::span<const std::int32_t> targets(measures_[m].targets);
      values[m] += metric_value<T>(measures_[m].metric, row, sums, of_row.kl,
                                   one_target_a_row_ ? targets.subspan(r, 1) : targets);
    }
    effect.include(of_row);
  }
  return {values[0], effect, {values.begin() + 1, values.end()}};
}

template <class T>
Effect MetricReader<T>::change(std::size_t row, std::span<const T> logits, double total) const {
  const ChangeSums sums = change_sums(KnownRow<T>{clean_.matrix().row_span(row), clean_totals_[row]},
                                      clean_probs_.matrix().row_span(row), KnownRow<T>{logits, total});
  Effect effect;
  effect.include(sums.kl < 0 ? 0 : sums.kl, sums.largest);  // NaN stays NaN
  return effect;
}

template class MetricReader<float>;
template class MetricReader<double>;

}  // namespace stratoscope
