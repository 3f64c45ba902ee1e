// The rows of a matrix as an Eigen matrix of doubles, and their Gram matrix. Only sources of this floor include Eigen,
// and only through this file, so that all are compiled with the same options.
#pragma once

// Products on several threads would be divided differently, which could change bits.
#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE
#endif
#include <Eigen/Dense>

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
RowMatrix eigen_rows(MatrixView<const T> rows) {
  RowMatrix matrix(static_cast<Eigen::Index>(rows.rows), static_cast<Eigen::Index>(rows.cols));
  for (std::size_t r = 0; r < rows.rows; ++r)
    for (std::size_t c = 0; c < rows.cols; ++c)
      matrix(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c)) = static_cast<double>(rows.row(r)[c]);
  return matrix;
}

// With the mean row subtracted.
template <class T>
RowMatrix centred_rows(MatrixView<const T> rows) {
  RowMatrix matrix = eigen_rows(rows);
  if (matrix.rows() > 0) matrix.rowwise() -= matrix.colwise().mean().eval();
  return matrix;
}

// K = X X^T, the lower triangle only.
inline RowMatrix lower_gram(const RowMatrix& rows) {
  RowMatrix gram = RowMatrix::Zero(rows.rows(), rows.rows());
  gram.selfadjointView<Eigen::Lower>().rankUpdate(rows);
  return gram;
}

}  // namespace stratoscope
