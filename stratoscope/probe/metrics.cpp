#include "stratoscope/probe/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/ops/exponentials.h"

namespace stratoscope {
namespace {

struct MetricInfo {
  Metric metric;
  std::string_view title;
  std::size_t targets;
};

constexpr std::array<MetricInfo, 7> kMetrics = {{
    {Metric::log_prob, "log-probability (nats)", 1},
    {Metric::prob, "probability", 1},
    {Metric::rank, "rank (0 is the likeliest)", 1},
    {Metric::logit, "logit", 1},
    {Metric::logit_diff, "logit difference", 2},
    {Metric::kl, "KL(clean ‖ edited) (nats)", 0},
    {Metric::entropy, "entropy (nats)", 0},
}};

const MetricInfo& info(Metric metric) { return kMetrics[static_cast<std::size_t>(metric)]; }

template <class T>
double logit_of(std::span<const T> logits, std::int32_t id) {
  return static_cast<double>(logits[static_cast<std::size_t>(id)]);
}

template <class T>
double rank_of(std::span<const T> logits, std::int32_t target) {
  const auto index = static_cast<std::size_t>(target);
  if (std::isnan(logits[index])) return std::numeric_limits<double>::quiet_NaN();
  const T of = logits[index];
  std::uint32_t rank = 0;  // without branches, so that the loops are vectorised; of equal logits the lower id is first
  for (std::size_t i = 0; i < index; ++i) rank += logits[i] >= of ? 1 : 0;
  for (std::size_t i = index + 1; i < logits.size(); ++i) rank += logits[i] > of ? 1 : 0;
  return static_cast<double>(rank);
}

}  // namespace

std::string_view name_of(Metric metric) { return choice_name(metric); }
std::string_view title_of(Metric metric) { return info(metric).title; }
std::size_t targets_of(Metric metric) { return info(metric).targets; }

template <class T>
SoftmaxSums softmax_sums(std::span<const T> logits) {
  const ExpSums sums = exp_sums(logits);
  const double log_sum = std::log(sums.exp);
  return {sums.top + log_sum, log_sum - sums.weighted / sums.exp};
}

void check_target_count(const char* who, Metric metric, std::size_t count) {
  const std::size_t needed = targets_of(metric);
  if (count == needed) return;
  throw Error(who,
              "the metric " + std::string(name_of(metric)) + " reads " + std::to_string(needed) + " target" +
                  (needed == 1 ? "" : "s") + ", but " + std::to_string(count) + (count == 1 ? " is" : " are") +
                  " given",
              "name them with --target or --target-id");
}

template <class T>
double log_sum_exp(std::span<const T> logits) {
  return softmax_sums(logits).log_sum_exp;
}

template <class T>
std::vector<double> log_softmax(std::span<const T> logits) {
  const double total = log_sum_exp(logits);
  std::vector<double> log_probs(logits.size());
  std::transform(logits.begin(), logits.end(), log_probs.begin(),
                 [total](T logit) { return static_cast<double>(logit) - total; });
  return log_probs;
}

double kl_divergence(std::span<const double> p, std::span<const double> q) {
  std::vector<double> probs(p.size());
  exp_each(p, 0, probs);
  const double sum = change_sums(KnownRow<double>{p}, probs, KnownRow<double>{q}).kl;
  return sum < 0 ? 0 : sum;  // NaN stays NaN
}

template <class T>
std::vector<std::int32_t> most_likely(std::span<const T> logits, std::size_t count) {
  count = std::min(count, logits.size());
  if (count == 1) {
    const T top = largest_of(logits);
    if (top == -std::numeric_limits<T>::infinity()) return {0};
    return {static_cast<std::int32_t>(std::find(logits.begin(), logits.end(), top) - logits.begin())};
  }
  // NaN sorts last: with NaN, '>' alone would not be an order.
  const auto key = [&](std::int32_t id) {
    const T logit = logits[static_cast<std::size_t>(id)];
    return std::isnan(logit) ? -std::numeric_limits<T>::infinity() : logit;
  };
  std::vector<std::int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end(),
                    [&](std::int32_t a, std::int32_t b) { return key(a) != key(b) ? key(a) > key(b) : a < b; });
  ids.resize(count);
  return ids;
}

template <class T>
double metric_value(Metric metric, std::span<const T> logits, std::span<const T> clean,
                    std::span<const std::int32_t> targets) {
  const double kl = metric == Metric::kl ? kl_divergence(log_softmax(clean), log_softmax(logits)) : 0;
  return metric_value<T>(metric, logits, softmax_sums(logits), kl, targets);
}

template <class T>
double metric_value(Metric metric, std::span<const T> logits, const SoftmaxSums& sums, double kl,
                    std::span<const std::int32_t> targets) {
  const auto log_prob = [&] { return logit_of(logits, targets[0]) - sums.log_sum_exp; };
  switch (metric) {
    case Metric::log_prob: return log_prob();
    case Metric::prob: return std::exp(log_prob());
    case Metric::rank: return rank_of(logits, targets[0]);
    case Metric::logit: return logit_of(logits, targets[0]);
    case Metric::logit_diff: return logit_of(logits, targets[0]) - logit_of(logits, targets[1]);
    case Metric::kl: return kl;
    default: return sums.entropy;
  }
}

template SoftmaxSums softmax_sums(std::span<const float>);
template SoftmaxSums softmax_sums(std::span<const double>);
template double log_sum_exp(std::span<const float>);
template double log_sum_exp(std::span<const double>);
template std::vector<double> log_softmax(std::span<const float>);
template std::vector<double> log_softmax(std::span<const double>);
template std::vector<std::int32_t> most_likely(std::span<const float>, std::size_t);
template std::vector<std::int32_t> most_likely(std::span<const double>, std::size_t);
template double metric_value(Metric, std::span<const float>, std::span<const float>, std::span<const std::int32_t>);
template double metric_value(Metric, std::span<const double>, std::span<const double>, std::span<const std::int32_t>);
template double metric_value(Metric, std::span<const float>, const SoftmaxSums&, double, std::span<const std::int32_t>);
template double metric_value(Metric, std::span<const double>, const SoftmaxSums&, double,
                             std::span<const std::int32_t>);

}  // namespace stratoscope
