#include "stratoscope/analysis/attribution.h"

#include "stratoscope/base/threads.h"

namespace stratoscope {
namespace {

template <class T>
double dot(std::span<const T> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < b.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace

Readout hold_scale(NormKind kind, std::span<const double> weight, std::span<const double> bias,
                   std::span<const double> reader, double scale) {
  if (kind == NormKind::none) return {{reader.begin(), reader.end()}, 0};
  Readout readout{{reader.begin(), reader.end()}, bias.empty() ? 0 : dot(bias, reader)};
  std::vector<double>& direction = readout.direction;
  for (std::size_t i = 0; i < weight.size(); ++i) direction[i] *= weight[i];
  double mean = 0;
  if (kind == NormKind::layer)
    for (const double number : direction) mean += number / static_cast<double>(direction.size());
  for (double& number : direction) number = (number - mean) / scale;
  return readout;
}

template <class T>
double contribution(const Readout& readout, std::span<const T> x) {
  return dot(x, std::span<const double>(readout.direction));
}

std::vector<double> contribution_per_unit(const Readout& readout, MatrixView<const double> weight) {
  std::vector<double> per_unit(weight.rows);
  parallel_for(weight.rows, [&](std::size_t r) { per_unit[r] = contribution(readout, weight.row_span(r)); });
  return per_unit;
}

template <class T>
std::vector<double> contributions(std::span<const T> activations, std::span<const double> per_unit, std::size_t group) {
  std::vector<double> parts(activations.size() / group);
  for (std::size_t i = 0; i < parts.size(); ++i)
    parts[i] = dot(activations.subspan(i * group, group), per_unit.subspan(i * group, group));
  return parts;
}

template <class T>
std::vector<double> contributions_by_source(std::span<const T> pattern, MatrixView<const T> values,
                                            std::span<const double> per_unit) {
  std::vector<double> parts(values.rows);
  for (std::size_t p = 0; p < values.rows; ++p)
    parts[p] = static_cast<double>(pattern[p]) * dot(values.row_span(p), per_unit);
  return parts;
}

template double contribution(const Readout&, std::span<const float>);
template double contribution(const Readout&, std::span<const double>);
template std::vector<double> contributions(std::span<const float>, std::span<const double>, std::size_t);
template std::vector<double> contributions(std::span<const double>, std::span<const double>, std::size_t);
template std::vector<double> contributions_by_source(std::span<const float>, MatrixView<const float>,
                                                     std::span<const double>);
template std::vector<double> contributions_by_source(std::span<const double>, MatrixView<const double>,
                                                     std::span<const double>);

}  // namespace stratoscope
