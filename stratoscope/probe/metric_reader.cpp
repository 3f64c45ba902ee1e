#include "stratoscope/probe/metric_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stratoscope/ops/exponentials.h"

namespace stratoscope {
namespace {

// KL(clean || edited) and the largest change of a logit, in one pass and without memory of their own.
template <class T>
std::pair<double, double> change_of(std::span<const T> clean, double clean_total, std::span<const double> clean_probs,
                                    std::span<const T> edited, double total) {
  double kl = 0, largest = 0;
  bool has_nan = false;
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const auto before = static_cast<double>(clean[i]), after = static_cast<double>(edited[i]);
    const double log_prob = before - clean_total, change = std::abs(after - before);
    if (log_prob != -std::numeric_limits<double>::infinity()) kl += clean_probs[i] * (log_prob - (after - total));
    largest = std::max(largest, change);
    has_nan |= std::isnan(change);
  }
  // Rounding alone can make it negative; NaN stays NaN.
  return {kl < 0 ? 0 : kl, has_nan ? std::numeric_limits<double>::quiet_NaN() : largest};
}

}  // namespace

template <class T>
MetricReader<T>::MetricReader(Metric metric, std::vector<std::int32_t> targets, bool one_target_a_row,
                              MatrixView<const T> clean)
    : metric_(metric),
      targets_(std::move(targets)),
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
std::pair<double, Effect> MetricReader<T>::read(MatrixView<const T> logits) const {
  double value = 0;
  Effect effect;
  for (std::size_t r = 0; r < logits.rows; ++r) {
    const auto row = logits.row_span(r);
    const SoftmaxSums sums = softmax_sums<T>(row);
    const Effect of_row = change(r, row, sums.log_sum_exp);
    const std::span<const std::int32_t> targets(targets_);
    value += metric_value<T>(metric_, row, sums, of_row.kl, one_target_a_row_ ? targets.subspan(r, 1) : targets);
    effect.include(of_row);
  }
  return {value, effect};
}

template <class T>
Effect MetricReader<T>::change(std::size_t row, std::span<const T> logits, double total) const {
  const auto [kl, largest] = change_of<T>(clean_.matrix().row_span(row), clean_totals_[row],
                                          clean_probs_.matrix().row_span(row), logits, total);
  Effect effect;
  effect.include(kl, largest);
  return effect;
}

template class MetricReader<float>;
template class MetricReader<double>;

}  // namespace stratoscope
