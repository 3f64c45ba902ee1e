#include "stratoscope/demo/demo_prose.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

std::string number(double value) { return prose_number(value, 3); }

// The index of the largest (or smallest) value.
std::size_t argmax(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}
std::size_t argmin(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::min_element(values.begin(), values.end()) - values.begin());
}

// The number of largest dimensions that together have half of a hidden state's squared length.
std::size_t dimensions_of_half(std::vector<double> values) {
  double total = 0, sum = 0;
  for (double& value : values) total += value *= value;
  std::sort(values.begin(), values.end(), std::greater<>());
  std::size_t count = 0;
  while (count < values.size() && sum < total / 2) sum += values[count++];
  return count;
}

std::string count_of(std::size_t count, const std::string& thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string signed_number(double value) { return with_minus_signs(fmt::format("{:+.3f}", value)); }

}  // namespace

Sentences describe(const Activations& a) {
  std::vector<double> variances;
  for (const Statistics& s : a.statistics) variances.push_back(s.variance);
  // The last depth is after the final norm, which changes the scale.
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
                  count_of(dimensions_of_half(a.values[deepest]), "dimension"), a.values[deepest].size()));
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
      fmt::format("Over the {} shown, neighbouring depths have a mean cosine similarity of {}, the embedding and the "
                  "last block's input one of {}.",
                  count_of(s.matrices.size(), "token"), number(neighbours), number(ends)),
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
  return {fmt::format("Over {} of tokens the median similarity is lowest at {} ({}) and highest at {} ({}).",
                      count_of(p.values[0].size(), "pair"), p.labels[low], number(inside[low]), p.labels[top],
                      number(inside[top])),
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
  constexpr double kNothing = 1e-4;  // nats; smaller changes are not visible in the figure
  const SweepResult& result = f.sweep.result;
  Sentences sentences = {fmt::format("{} has a log-probability of {} (probability {}, rank {} of the vocabulary).",
                                     token_label(f.sweep.targets[0].token), prose_number(result.clean, 5),
                                     number(std::exp(result.clean)), prose_number(f.target_rank, 6))};
  std::vector<double> changes = result.values;
  for (double& value : changes) value -= result.clean;
  const std::size_t best = argmax(changes), worst = argmin(changes);
  const auto at = [&](std::size_t layer) {
    return fmt::format("{}, to {} ({})", block_label(layer), prose_number(result.values[layer], 5),
                       signed_number(changes[layer]));
  };
  const std::string scaling = fmt::format("Scaling one block's output by {}", prose_number(f.factor));
  if (!std::all_of(changes.begin(), changes.end(), [](double change) { return std::isfinite(change); }))
    return {sentences[0], scaling + " gives values that are not numbers."};
  if (std::abs(changes[best]) < kNothing && std::abs(changes[worst]) < kNothing)
    return {sentences[0], scaling + " has no visible effect."};
  std::vector<std::string> effects;
  if (changes[worst] < -kNothing) effects.push_back("lowers it most at " + at(worst));
  if (changes[best] > kNothing) effects.push_back("raises it most at " + at(best));
  sentences.push_back(scaling + " " + fmt::format("{}", fmt::join(effects, ", and ")) + ".");
  const double last = changes.back();
  sentences.push_back(
      fmt::format("At the last block, {}, it moves by {}{}.", block_label(changes.size() - 1), number(std::abs(last)),
                  f.factor > 0 && std::abs(last) < kNothing ? ": the final norm cancels a scaling of its input" : ""));
  return sentences;
}

}  // namespace stratoscope
