// The tensors of a model's checkpoint: their names, formats and shapes, their statistics, rows of one, and copies of
// them in files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/tensor/shape.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct WeightsRequest {
  // Hugging Face's names, as in the files or without the family's prefix ("h.0.mlp.c_fc.weight"), and globs over both.
  // None: all tensors, without statistics.
  std::vector<std::string> names = {};
  bool list = false;                               // also with names: without statistics
  std::optional<IndexList> rows = {};              // of the first axis of a single tensor
  std::optional<std::filesystem::path> file = {};  // .npy for a single tensor, .npz, .safetensors
};
void describe(WeightsRequest& request, Fields& fields);

inline constexpr double kWeightShares[] = {0.001, 0.01, 0.25, 0.5, 0.75, 0.99, 0.999};

// Of the finite numbers; NaN without any.
struct WeightStatistics {
  double mean = 0, sd = 0;  // the standard deviation is unbiased (n - 1)
  double min = 0, max = 0;
  double zeros = 0;  // the share of numbers that are exactly 0
  std::size_t not_finite = 0;
  std::vector<double> quantiles;  // at kWeightShares
};

struct TensorSummary {
  std::string name;    // in the files
  std::string format;  // "F32"
  Shape shape;
  std::size_t count = 0, bytes = 0;
  std::optional<WeightStatistics> statistics = {};
};

// More of a single tensor, for its figure.
struct TensorPicture {
  std::vector<double> edges;         // of a histogram, [bins + 1], by robust_limits
  std::vector<std::int64_t> counts;  // [bins]
  std::size_t outside = 0;           // finite numbers that no bin has
  // Every row_step-th row (of the first axis) and every column_step-th column (of all others together).
  std::vector<std::vector<double>> cells;
  std::size_t row_step = 1, column_step = 1;
};

struct CheckpointWeights {
  std::vector<TensorSummary> tensors;  // in the order of the names
  std::optional<TensorPicture> picture;
  std::vector<std::pair<std::size_t, std::vector<double>>> rows;  // index and numbers
  std::optional<std::filesystem::path> file;                      // that was written
  std::vector<std::string> warnings;
};

// Throws UsageError for a list with rows or a file.
void check(const WeightsRequest& request);
CheckpointWeights weights(const Session& session, const WeightsRequest& request);
Document to_json(const Session& session, const CheckpointWeights& result);
// Of a single tensor edges [bin + 1] and counts [bin], and rows [row, column] if they were asked for.
std::vector<NamedValues> arrays_of(const CheckpointWeights& result);
// Throws Error before the work unless a single tensor is named.
void check_figure(const Session& session, const WeightsRequest& request);
Figure figure_of(const CheckpointWeights& result);  // throws likewise
[[noreturn]] void throw_no_figure(std::size_t tensors);

}  // namespace stratoscope
