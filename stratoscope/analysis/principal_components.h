// Principal component analysis (Pearson 1901; Jolliffe 2002): the directions of largest variance of a matrix's rows.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

struct PrincipalComponents {
  std::vector<double> mean;                      // of the rows, [cols]
  std::vector<std::vector<double>> directions;   // unit vectors, [components][cols], in descending order of variance
  std::vector<std::vector<double>> coordinates;  // (row - mean) . direction, [rows][components]
  std::vector<double> explained;                 // shares of the total variance, descending, [components]
  double variance = 0;                           // total: the sum over the columns, unbiased (n - 1)
};

// At most `components` of them, and at most min(rows, cols). The sign of a direction makes its largest entry in
// magnitude (the first of equal ones) positive. A component without variance has direction and share 0: all of them for
// equal rows and for a single row. Everything is NaN if a number is not finite. T is float or double.
template <class T>
STRATOSCOPE_API PrincipalComponents principal_components(MatrixView<const T> rows, std::size_t components);

// The number of principal components that together have at least this share (0 to 1) of the rows' variance. 0 for equal
// rows; NaN for fewer than two rows and for numbers that are not finite.
template <class T>
STRATOSCOPE_API double components_for_variance(MatrixView<const T> rows, double share);

}  // namespace stratoscope
