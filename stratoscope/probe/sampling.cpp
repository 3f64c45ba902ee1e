#include "stratoscope/probe/sampling.h"

#include <cmath>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/probe/metrics.h"

namespace stratoscope {

Sampler::Sampler(const SamplingOptions& options) : options_(options), random_(options.seed) {
  if (!(options.temperature >= 0) || std::isinf(options.temperature))
    throw Error("generate", "the temperature must be 0 or more", "0 takes the likeliest token each time");
  if (!(options.top_p > 0 && options.top_p <= 1)) throw Error("generate", "top-p must be above 0 and at most 1");
}

double Sampler::uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

template <class T>
std::int32_t Sampler::next(std::span<const T> logits) {
  const bool greedy = options_.temperature == 0;
  const std::size_t kept_count = greedy ? 1 : options_.top_k > 0 ? options_.top_k : logits.size();
  const auto ids = most_likely(logits, kept_count);  // descending
  const auto logit = [&](std::int32_t id) { return static_cast<double>(logits[static_cast<std::size_t>(id)]); };
  if (!std::isfinite(logit(ids[0])))
    throw Error("generate", "the logits are not finite: there is no next token", "does an edit cause this?");
  if (greedy) return ids[0];
  std::vector<double> weights;
  double total = 0;
  for (const std::int32_t id : ids) {
    const double weight = std::exp((logit(id) - logit(ids[0])) / options_.temperature);
    weights.push_back(std::isnan(weight) ? 0 : weight);
    total += weights.back();
  }
  double kept = 0;
  std::size_t count = 0;
  while (count < weights.size() && (count == 0 || kept < options_.top_p * total)) kept += weights[count++];
  double left = uniform() * kept;
  for (std::size_t i = 0; i < count; ++i)
    if (left -= weights[i]; left < 0) return ids[i];
  return ids[count - 1];
}

template std::int32_t Sampler::next(std::span<const float>);
template std::int32_t Sampler::next(std::span<const double>);

}  // namespace stratoscope
