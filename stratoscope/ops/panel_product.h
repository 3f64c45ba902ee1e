// Products with weights that were packed for the kernels of one instruction set.
#pragma once

#include <cstddef>

#include "stratoscope/ops/matmul.h"
#include "stratoscope/ops/panel_kernels.h"
#include "stratoscope/ops/weight_layout.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// Weights in the form in which a PackedMatrix gets them.
struct PlainWeights {
  const float* data;
  std::size_t in, out;
  WeightLayout layout;
  const float* bias;  // `out` numbers, or null
};

// Divides a product into pieces for its kernels. The order of a sum depends only on the inner dimension.
class PanelProduct {
 public:
  PanelProduct(const PlainWeights& weights, const PanelKernels& kernels);
  PanelProduct(const WeightColumns& columns, std::size_t in, std::size_t out, const float* bias,
               const PanelKernels& kernels);

  // Memory of the packed weights.
  std::size_t bytes() const { return weights_.size() + bias_.size() * sizeof(float); }
  // Like PackedMatrix::multiply.
  void multiply(MatrixView<const float> x, MatrixView<float> y) const;

 private:
  PanelProduct(std::size_t in, std::size_t out, const float* bias, const PanelKernels& kernels);
  // `first_column` is the first of a panel.
  void pack(const PlainWeights& weights, std::size_t first_column);
  BasicTensor<std::byte> laid_out(MatrixView<const float> x) const;
  void multiply_block(const BasicTensor<std::byte>& laid_out_x, std::size_t all_rows, std::size_t first_row,
                      std::size_t first_panel, std::size_t panels, MatrixView<float> y) const;
  // Bytes of x before this row of the part that begins at `first`.
  std::size_t x_before(std::size_t first, std::size_t all_rows, std::size_t row) const {
    return (first * all_rows + row * part_) * kernels_.x_bytes;
  }

  PanelKernels kernels_;
  std::size_t in_, inner_, out_;  // inner_: in_, padded
  std::size_t part_;              // of the inner dimension, summed from zero
  Tensor bias_;                   // padded to whole panels
  BasicTensor<std::byte> weights_;
};

}  // namespace stratoscope
