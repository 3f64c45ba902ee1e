// An orthonormal basis of the span of a matrix's rows.
#pragma once

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// [rank, cols], by Gram–Schmidt with the largest remaining row first, each row orthogonalised twice. Rows whose rest is
// at most max(rows, cols) * 2^-52 times the largest row's length count as dependent.
BasicTensor<double> orthonormal_rows(MatrixView<const double> matrix);

}  // namespace stratoscope
