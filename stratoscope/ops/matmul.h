// Dense products with weights that are packed once.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "stratoscope/ops/weight_layout.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

class PanelProduct;

// What the numbers of x and W are rounded to before they are multiplied. Sums are float32.
enum class Arithmetic {
  fp32,  // not at all
  bf16,  // to bfloat16: 8 bits of 24
};

// Writes `count` columns of W from `first` on: columns [count, in].
using WeightColumns = std::function<void(std::size_t first, std::size_t count, float* columns)>;

// A weight matrix in the layout that this processor's matrix kernels want. Immutable; concurrent use is safe.
//
// A row of the product has the same bits whatever the other rows are, how many there are, and however many
// threads compute them.
class PackedMatrix {
 public:
  PackedMatrix();
  // Copies `weights`; `bias` may be null or holds `out` numbers, which are copied too.
  PackedMatrix(const float* weights, std::size_t in, std::size_t out, WeightLayout layout, const float* bias,
               Arithmetic arithmetic = Arithmetic::fp32);
  // The same, asked for piece by piece, so that no second copy is ever whole.
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
