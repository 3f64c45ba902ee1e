#include "stratoscope/experiment/demo_prose.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stratoscope/experiment/labels.h"

namespace stratoscope {
namespace {

std::string number(double value) { return prose_number(value, 3); }

// Where a value is largest (or smallest), by index.
std::size_t argmax(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}
std::size_t argmin(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::min_element(values.begin(), values.end()) - values.begin());
}

// How many of the largest dimensions hold half of a hidden state's squared length.
std::size_t dimensions_of_half(std::vector<double> values) {
  double total = 0, sum = 0;
  for (double& value : values) total += value *= value;
  std::sort(values.begin(), values.end(), std::greater<>());
  std::size_t count = 0;
  while (count < values.size() && sum < total / 2) sum += values[count++];
  return count;
}

std::string dimension_count(std::size_t count) {
  return count == 1 ? "1 dimension" : fmt::format("{} dimensions", count);
}

}  // namespace

Sentences describe(const Activations& a) {
  std::vector<double> variances;
  for (const Statistics& s : a.statistics) variances.push_back(s.variance);
  // The last entry is after the final norm, on a scale of its own.
  const std::vector<double> inside(variances.begin(), variances.end() - 1);
  const std::size_t top = argmax(inside);
  Sentences sentences = {fmt::format(
      "The {} activations of {} have a variance of {} as they enter the first block and of {} at {}, where it is "
      "largest{}; the final norm leaves {}.",
      a.values[0].size(), token_label(a.text.tokens[a.token]), number(variances.front()), number(variances[top]),
      a.labels[top],
      top + 1 < inside.size()
          ? fmt::format(", before it falls to {} at {}", number(inside.back()), a.labels[inside.size() - 1])
          : "",
      number(variances.back()))};
  std::size_t deepest = 0, dimension = 0;
  for (std::size_t depth = 0; depth + 1 < a.values.size(); ++depth)
    for (std::size_t i = 0; i < a.values[depth].size(); ++i)
      if (std::abs(a.values[depth][i]) > std::abs(a.values[deepest][dimension])) deepest = depth, dimension = i;
  sentences.push_back(
      fmt::format("The largest activation inside the blocks is {} in dimension {} at {}; there {} of {} "
                  "hold half of the squared length.",
                  number(a.values[deepest][dimension]), dimension, a.labels[deepest],
                  dimension_count(dimensions_of_half(a.values[deepest])), a.values[deepest].size()));
  return sentences;
}

Sentences describe(const SimilarityAcrossLayers& s) {
  double neighbours = 0, ends = 0;
  std::vector<double> steps(s.labels.size() - 1, 0.0);
  for (const SimilarityMatrix& matrix : s.matrices) {
    for (std::size_t depth = 0; depth + 1 < matrix.size(); ++depth) {
      const double share = matrix[depth][depth + 1] / static_cast<double>(s.matrices.size());
      steps[depth] += share;
      neighbours += share / static_cast<double>(steps.size());
    }
    ends += matrix.front()[matrix.size() - 2] / static_cast<double>(s.matrices.size());
  }
  const std::size_t turn = argmin(steps);
  return {
      fmt::format("Neighbouring depths resemble each other: over the {} tokens shown their mean cosine similarity is "
                  "{}, while the embedding and the last block's output have {}.",
                  s.matrices.size(), number(neighbours), number(ends)),
      fmt::format("The sharpest turn is from {} to {} (mean {}).", s.labels[turn], s.labels[turn + 1],
                  number(steps[turn]))};
}

Sentences describe(const SimilarityAcrossTokens& s) {
  Sentences sentences;
  if (s.text.ids.size() < 2) return {"With a single token there is nothing to compare."};
  for (std::size_t i = 0; i < s.layers.size(); ++i) {
    std::size_t a = 0, b = 1;
    const SimilarityMatrix& matrix = s.matrices[i];
    for (std::size_t row = 0; row < matrix.size(); ++row)
      for (std::size_t col = row + 1; col < matrix.size(); ++col)
        if (matrix[row][col] > matrix[a][b]) a = row, b = col;
    sentences.push_back(fmt::format("At {} the two tokens most alike are {} and {} ({}).", depth_label(s.layers[i]),
                                    token_label(s.text.tokens[a]), token_label(s.text.tokens[b]),
                                    number(matrix[a][b])));
  }
  return sentences;
}

Sentences describe(const LaminarProfile& p) {
  if (p.values[0].empty()) return {"The profile needs at least three tokens; this text has fewer."};
  const std::vector<double> inside(p.medians.begin(), p.medians.end() - 1);
  const std::size_t top = argmax(inside), low = argmin(inside);
  return {fmt::format(
              "Over {} pairs of tokens the median similarity is {} at {}, highest at {} ({}) and lowest at {} ({}).",
              p.values[0].size(), number(inside.front()), p.labels.front(), p.labels[top], number(inside[top]),
              p.labels[low], number(inside[low])),
          fmt::format("After the final norm ({}) it is {}.", p.labels.back(), number(p.medians.back()))};
}

Sentences describe(const Predictions& p) {
  double together = 0;
  for (const Prediction& prediction : p.top) together += prediction.prob;
  return {
      fmt::format("The model's first guess is {} with a probability of {}; the {} likeliest tokens together have {}.",
                  token_label(p.top[0].token), number(p.top[0].prob), p.top.size(), number(together))};
}

Sentences describe_sweep(const DemoFindings& f) {
  const SweepResult& result = f.sweep.result;
  const std::string target = token_label(f.sweep.targets[0].token);
  Sentences sentences = {fmt::format("{} has a log-probability of {} (probability {}, rank {} of the vocabulary).",
                                     target, prose_number(result.clean, 5), number(std::exp(result.clean)),
                                     static_cast<std::size_t>(f.target_rank))};
  const auto& values = result.values;
  const std::size_t best = argmax(values), worst = argmin(values);
  const auto change = [&](std::size_t layer) {
    return prose_number(values[layer], 5) + with_minus_signs(fmt::format(" ({:+.3f})", values[layer] - result.clean));
  };
  sentences.push_back(
      fmt::format("Scaling one block's output by {} lowers it most at {}, to {}, and leaves it highest at {}: {}.",
                  prose_number(f.factor), block_label(worst), change(worst), block_label(best), change(best)));
  sentences.push_back(
      fmt::format("At the last block, {}, it moves by {}: the final norm cancels a scaling of what it reads.",
                  block_label(values.size() - 1), number(std::abs(values.back() - result.clean))));
  return sentences;
}

}  // namespace stratoscope
