#include "stratoscope/experiments/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/base/memory.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

std::string measure_cell(double value) { return std::isnan(value) ? "–" : short_number(value); }

std::string shape_cell(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

void print_list(const CheckpointWeights& result) {
  Table table({"tensor", "format", ">shape", ">numbers", ">size"});
  std::size_t count = 0, bytes = 0;
  for (const TensorSummary& tensor : result.tensors) {
    table.add({tensor.name, tensor.format, shape_cell(tensor.shape), std::to_string(tensor.count),
               memory_text(tensor.bytes)});
    count += tensor.count;
    bytes += tensor.bytes;
  }
  print(table.text());
  print("{} tensors, {} numbers, {}\n", result.tensors.size(), count, memory_text(bytes));
}

void print_statistics(const CheckpointWeights& result) {
  Table table({"tensor", "format", ">shape", ">mean", ">sd", ">min", ">1 %", ">median", ">99 %", ">max", ">zeros"});
  std::size_t not_finite = 0;
  for (const TensorSummary& tensor : result.tensors) {
    const WeightStatistics& of = *tensor.statistics;
    not_finite += of.not_finite;
    table.add({tensor.name, tensor.format, shape_cell(tensor.shape), measure_cell(of.mean), measure_cell(of.sd),
               measure_cell(of.min), measure_cell(of.quantiles[1]), measure_cell(of.quantiles[3]),
               measure_cell(of.quantiles[5]), measure_cell(of.max),
               std::isnan(of.zeros) ? "–" : fmt::format("{:.3g} %", of.zeros * 100)});
  }
  print(table.text());
  if (not_finite > 0) print("{} numbers are not finite and are left out\n", not_finite);
}

void print_rows(const CheckpointWeights& result) {
  for (const auto& [index, values] : result.rows) {
    std::string line;
    for (const double value : values) line += " " + short_number(value, 6);
    print("\nrow {}:{}\n", index, line);
  }
}

void print_result(const Session&, const WeightsRequest&, const CheckpointWeights& result) {
  const bool lists = result.tensors.empty() || !result.tensors[0].statistics;
  if (lists)
    print_list(result);
  else
    print_statistics(result);
  print_rows(result);
  if (result.file) print("written to {}\n", result.file->string());
}

}  // namespace

Presentation present_weights() { return present<WeightsRequest, CheckpointWeights>(print_result); }

}  // namespace stratoscope::cli
