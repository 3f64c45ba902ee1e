// Principal component analysis (Pearson 1901; Jolliffe 2002): the directions along which a matrix's rows differ most.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

struct PrincipalComponents {
  std::vector<double> mean;                      // of the rows, [cols]
  std::vector<std::vector<double>> directions;   // unit vectors, [components][cols], the one of most variance first
  std::vector<std::vector<double>> coordinates;  // (row - mean) . direction, [rows][components]
  std::vector<double> explained;                 // shares of the total variance, falling, [components]
  double variance = 0;                           // total: the sum over the columns, unbiased (n - 1)
};

// At most `components` of them, and no more than min(rows, cols). A direction's sign is such that its largest number
// (the first of those, in magnitude) is positive. A component along which nothing varies has direction and share 0: all
// of them for rows that are all the same, and for a single row. Everything is NaN where a number is not finite. T is
// float or double.
template <class T>
STRATOSCOPE_API PrincipalComponents principal_components(MatrixView<const T> rows, std::size_t components);

}  // namespace stratoscope
