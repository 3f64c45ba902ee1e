#include "stratoscope/analysis/attention_scores.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <map>

namespace stratoscope {
namespace {

class Mean {
 public:
  void add(double value) {
    sum_ += value;
    ++count_;
  }
  double value() const {
    return count_ == 0 ? std::numeric_limits<double>::quiet_NaN() : sum_ / static_cast<double>(count_);
  }

 private:
  double sum_ = 0;
  std::size_t count_ = 0;
};

}  // namespace

template <class T>
AttentionScores attention_scores(MatrixView<const T> pattern, std::span<const std::int32_t> ids) {
  Mean previous, first, current, duplicate, induction, entropy;
  std::map<std::int32_t, std::size_t> last_seen;
  for (std::size_t query = 0; query < pattern.rows; ++query) {
    const auto weight = [&](std::size_t key) { return static_cast<double>(pattern.row(query)[key]); };
    if (const auto seen = last_seen.find(ids[query]); seen != last_seen.end()) {
      duplicate.add(weight(seen->second));
      if (seen->second + 1 < query) induction.add(weight(seen->second + 1));
    }
    last_seen[ids[query]] = query;
    if (query == 0) continue;
    previous.add(weight(query - 1));
    first.add(weight(0));
    current.add(weight(query));
    double sum = 0;
    for (std::size_t key = 0; key <= query; ++key)
      if (weight(key) > 0) sum -= weight(key) * std::log(weight(key));
    entropy.add(sum);
  }
  return {previous.value(), first.value(), current.value(), duplicate.value(), induction.value(), entropy.value()};
}

template AttentionScores attention_scores(MatrixView<const float>, std::span<const std::int32_t>);
template AttentionScores attention_scores(MatrixView<const double>, std::span<const std::int32_t>);

}  // namespace stratoscope
