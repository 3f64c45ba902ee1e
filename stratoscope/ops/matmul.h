// Dense products with weights that are packed once.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "stratoscope/ops/weight_layout.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

class PanelProduct;

// The rounding of the numbers of x and W before they are multiplied. Sums are float32.
enum class Arithmetic {
  fp32,  // no rounding
  bf16,  // to bfloat16: 8 of 24 bits
};

// Writes `count` columns of W from `first` on: columns [count, in].
using WeightColumns = std::function<void(std::size_t first, std::size_t count, float* columns)>;

// A weight matrix in the layout of this processor's matrix kernels. Immutable; concurrent use is safe.
//
// A row of the product has the same bits whatever the other rows and their number are, and with any number of threads.
class PackedMatrix {
 public:
  PackedMatrix();
  // Copies `weights`; `bias` is null or has `out` numbers, which are copied too.
  PackedMatrix(const float* weights, std::size_t in, std::size_t out, WeightLayout layout, const float* bias,
               Arithmetic arithmetic = Arithmetic::fp32);
  // The same, with weights read piece by piece, so that there is never a complete second copy.
  PackedMatrix(const WeightColumns& columns, std::size_t in, std::size_t out, const float* bias,
               Arithmetic arithmetic = Arithmetic::fp32);
  ~PackedMatrix();
  PackedMatrix(PackedMatrix&&) noexcept;
  PackedMatrix& operator=(PackedMatrix&&) noexcept;

  std::size_t in() const { return in_; }
  std::size_t out() const { return out_; }
  std::size_t bytes() const;

  // y[rows, out] = x[rows, in] · W + bias. Rows may be strided; x and y must not overlap.
  void multiply(MatrixView<const float> x, MatrixView<float> y) const;

 private:
  std::size_t in_ = 0, out_ = 0;
  std::unique_ptr<const PanelProduct> product_;
};

}  // namespace stratoscope
