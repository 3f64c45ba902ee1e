// One number from the logits at a position. Sums are in double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"

namespace STRATOSCOPE_API stratoscope {

enum class Metric {
  log_prob,    // log-softmax of the target, in nats
  prob,        // softmax of the target
  rank,        // number of tokens with a higher logit than the target's: 0 is the most likely (ties go to the lower id)
  logit,       // the target's logit
  logit_diff,  // logit of the first target minus that of the second
  kl,          // KL(clean || edited) of the next-token distributions, in nats
  entropy,     // of the next-token distribution, in nats
};

inline constexpr Choice<Metric> kMetricNames[] = {
    {Metric::log_prob, "log_prob"},     {Metric::prob, "prob"}, {Metric::rank, "rank"},       {Metric::logit, "logit"},
    {Metric::logit_diff, "logit_diff"}, {Metric::kl, "kl"},     {Metric::entropy, "entropy"},
};
constexpr std::span<const Choice<Metric>> choices_of(Metric) { return kMetricNames; }
std::string_view name_of(Metric metric);
// The metric's name in axes and tables, before the target: "log-probability of ‘ insect’ (nats)".
std::string_view title_of(Metric metric);

// The number of targets that the metric reads: 0, 1 or 2.
std::size_t targets_of(Metric metric);
// Throws Error with `who` as its `where` for another number of targets.
void check_target_count(const char* who, Metric metric, std::size_t count);

// A metric with the targets that it reads.
struct Measure {
  Metric metric = Metric::log_prob;
  std::vector<std::int32_t> targets = {};
};

// The sums that are computed in one pass over the logits.
struct SoftmaxSums {
  double log_sum_exp = 0;
  double entropy = 0;  // of the softmax, in nats
};
template <class T>
STRATOSCOPE_API SoftmaxSums softmax_sums(std::span<const T> logits);

// log sum exp over the logits, and log-softmax of all of them.
template <class T>
STRATOSCOPE_API double log_sum_exp(std::span<const T> logits);
template <class T>
STRATOSCOPE_API std::vector<double> log_softmax(std::span<const T> logits);

// KL(p || q) from two rows of log-probabilities.
double kl_divergence(std::span<const double> p, std::span<const double> q);

// The ids of the `count` largest logits, in descending order; ties by lower id.
template <class T>
STRATOSCOPE_API std::vector<std::int32_t> most_likely(std::span<const T> logits, std::size_t count);

// `clean` are the logits of the clean run at the same position; only kl reads them.
template <class T>
STRATOSCOPE_API double metric_value(Metric metric, std::span<const T> logits, std::span<const T> clean,
                                    std::span<const std::int32_t> targets);

// With known sums over the logits, and for kl the known divergence.
template <class T>
STRATOSCOPE_API double metric_value(Metric metric, std::span<const T> logits, const SoftmaxSums& sums, double kl,
                                    std::span<const std::int32_t> targets);

}  // namespace stratoscope
