// A linear probe (Alain and Bengio 2016): logistic regression with an L2 penalty that tells two groups of rows apart,
// judged on rows that it was not fitted to. Everything is deterministic, in double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

// score(x) = bias + weights · (x - mean) / deviation; above 0 the row belongs to the first group.
struct LogisticProbe {
  std::vector<double> mean, deviation;  // of the fitted rows' columns (n); a column of equal numbers has deviation 1
  std::vector<double> weights;
  double bias = 0;

  double score(const double* row) const;
};

// The minimum of sum_i log(1 + exp(-y_i score(x_i))) + penalty / 2 |weights|^2 over the standardised columns, y = 1 for
// the first group and -1 for the other, by Newton's method with halved steps. The bias is not penalised; penalty > 0.
// Both groups have a row. NaN if a number is not finite.
LogisticProbe fit_logistic_probe(MatrixView<const double> rows, const std::vector<bool>& is_first, double penalty);

// The fold of each row. The rows of each group are dealt out in an order that depends on the seed, so that each fold
// has nearly the same share of both. `folds` is at least 2 and at most the size of the smaller group.
std::vector<std::size_t> stratified_folds(const std::vector<bool>& is_first, std::size_t folds, std::uint64_t seed);

struct ProbeQuality {
  double accuracy = 0;  // the share of rows on the right side of 0
  double auc = 0;       // of the first group's scores over the other's
};

// Of the scores that the rows get from the probe of the other folds.
ProbeQuality cross_validate(MatrixView<const double> rows, const std::vector<bool>& is_first, std::size_t folds,
                            std::uint64_t seed, double penalty);

}  // namespace stratoscope
