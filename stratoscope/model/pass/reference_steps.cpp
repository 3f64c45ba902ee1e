#include "stratoscope/model/pass/reference_steps.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stratoscope/base/threads.h"

namespace stratoscope {
namespace {

std::size_t first_key(const AttentionSpec& spec, std::size_t query) {
  return spec.window > 0 && query + 1 > spec.window ? query + 1 - spec.window : 0;
}

double mean_of(const double* x, std::size_t count) {
  double mean = 0;
  for (std::size_t i = 0; i < count; ++i) mean += x[i] / static_cast<double>(count);
  return mean;
}

}  // namespace

void linear(Rows64 x, const Tensor64& weight, const double* bias, MatrixView<double> y) {
  const std::size_t out = y.cols;
  parallel_for(x.rows, [&](std::size_t r) {
    double* row = y.row(r);
    std::copy_n(bias, out, row);
    for (std::size_t i = 0; i < x.cols; ++i)
      for (std::size_t j = 0; j < out; ++j) row[j] += x.row(r)[i] * weight.data()[i * out + j];
  });
}

void norm_scale(const NormSpec& spec, Rows64 x, MatrixView<double> scale) {
  const std::size_t width = x.cols / scale.cols;
  for (std::size_t r = 0; r < x.rows; ++r)
    for (std::size_t group = 0; group < scale.cols; ++group) {
      const double* numbers = x.row(r) + group * width;
      const double mean = spec.kind == NormKind::layer ? mean_of(numbers, width) : 0;
      double square = 0;
      for (std::size_t i = 0; i < width; ++i)
        square += (numbers[i] - mean) * (numbers[i] - mean) / static_cast<double>(width);
      scale.row(r)[group] = std::sqrt(square + spec.eps);
    }
}

void normalize(const NormSpec& spec, Rows64 x, Rows64 scale, MatrixView<double> normalized) {
  const std::size_t width = x.cols / scale.cols;
  for (std::size_t r = 0; r < x.rows; ++r)
    for (std::size_t group = 0; group < scale.cols; ++group) {
      const double* numbers = x.row(r) + group * width;
      const double mean = spec.kind == NormKind::layer ? mean_of(numbers, width) : 0;
      for (std::size_t i = 0; i < width; ++i)
        normalized.row(r)[group * width + i] = (numbers[i] - mean) / scale.row(r)[group];
    }
}

void weigh(Rows64 normalized, const Tensor64& weight, const Tensor64& bias, MatrixView<double> y) {
  for (std::size_t r = 0; r < normalized.rows; ++r)
    for (std::size_t i = 0; i < normalized.cols; ++i) {
      double number = normalized.row(r)[i];
      if (!weight.empty()) number *= weight.data()[i];
      if (!bias.empty()) number += bias.data()[i];
      y.row(r)[i] = number;
    }
}

double activation_of(Activation activation, double x) {
  constexpr double kRootTwoOverPi = 0.79788456080286535588, kRootTwo = 1.41421356237309504880;
  switch (activation) {
    case Activation::gelu_new: return 0.5 * x * (1 + std::tanh(kRootTwoOverPi * (x + 0.044715 * x * x * x)));
    case Activation::gelu: return 0.5 * x * (1 + std::erf(x / kRootTwo));
    case Activation::relu: return x < 0 ? 0 : x;
    case Activation::relu2: return x < 0 ? 0 : x * x;
    case Activation::silu: return x / (1 + std::exp(-x));
    case Activation::quick_gelu: return x / (1 + std::exp(-1.702 * x));
  }
  return x;
}

void rotate_heads(const Rotary& rotary, std::size_t width, MatrixView<double> x) {
  const std::size_t pairs = rotary.dims / 2;
  const std::vector<double> turns = turns_of(rotary, x.rows);
  for (std::size_t r = 0; r < x.rows; ++r)
    for (std::size_t head = 0; head < x.cols; head += width)
      for (std::size_t pair = 0; pair < pairs; ++pair) {
        double& a = x.row(r)[head + (rotary.interleaved ? 2 * pair : pair)];
        double& b = x.row(r)[head + (rotary.interleaved ? 2 * pair + 1 : pair + pairs)];
        const double angle = static_cast<double>(r) * turns[pair];
        const double cos = std::cos(angle) * rotary.scaling.magnitude, sin = std::sin(angle) * rotary.scaling.magnitude;
        const double turned = a * cos - b * sin;
        b = b * cos + a * sin;
        a = turned;
      }
}

void write_scores(const AttentionSpec& spec, std::size_t head, Rows64 q, Rows64 k, MatrixView<double> scores) {
  for (std::size_t i = 0; i < q.rows; ++i) {
    std::fill_n(scores.row(i), scores.cols, -std::numeric_limits<double>::infinity());
    for (std::size_t j = first_key(spec, i); j <= i; ++j) {
      double dot = 0;
      for (std::size_t d = 0; d < q.cols; ++d) dot += q.row(i)[d] * k.row(j)[d];
      double score = dot * spec.scale;
      if (spec.score_cap > 0) score = spec.score_cap * std::tanh(score / spec.score_cap);
      if (spec.slopes) score += slope_of(head, spec.heads) * (static_cast<double>(j) - static_cast<double>(i));
      scores.row(i)[j] = score;
    }
  }
}

void softmax(const AttentionSpec& spec, MatrixView<double> scores) {
  for (std::size_t i = 0; i < scores.rows; ++i) {
    double* row = scores.row(i);
    const std::size_t first = first_key(spec, i);
    const double top = *std::max_element(row + first, row + i + 1);
    double sum = 0;
    for (std::size_t j = first; j <= i; ++j) sum += row[j] = std::exp(row[j] - top);
    for (std::size_t j = first; j <= i; ++j) row[j] = row[j] / sum;
  }
  hide_unseen(spec, scores, 0);
}

void hide_unseen(const AttentionSpec& spec, MatrixView<double> rows, double unseen) {
  for (std::size_t i = 0; i < rows.rows; ++i) {
    std::fill(rows.row(i), rows.row(i) + first_key(spec, i), unseen);
    std::fill(rows.row(i) + i + 1, rows.row(i) + rows.cols, unseen);
  }
}

void mix(const AttentionSpec& spec, Rows64 pattern, Rows64 v, MatrixView<double> z) {
  for (std::size_t i = 0; i < pattern.rows; ++i) {
    std::fill_n(z.row(i), z.cols, 0.0);
    for (std::size_t j = first_key(spec, i); j <= i; ++j)
      for (std::size_t d = 0; d < z.cols; ++d) z.row(i)[d] += pattern.row(i)[j] * v.row(j)[d];
  }
}

}  // namespace stratoscope
