#include "stratoscope/ops/matmul.h"

#include "stratoscope/ops/amx.h"
#include "stratoscope/ops/dot_products.h"
#include "stratoscope/ops/instruction_set.h"
#include "stratoscope/ops/panel_kernels.h"
#include "stratoscope/ops/panel_product.h"

namespace stratoscope {
namespace {

PanelKernels kernels_of(Arithmetic arithmetic) {
  limit_instruction_set();
  if (arithmetic == Arithmetic::fp32) return float32_kernels();
  switch (bfloat16_kernels()) {
    case Bfloat16Kernels::amx: return amx_kernels();
    case Bfloat16Kernels::dot_products: return dot_product_kernels();
    case Bfloat16Kernels::widening: break;
  }
  return widening_kernels();
}

}  // namespace

PackedMatrix::PackedMatrix(const float* weights, std::size_t in, std::size_t out, WeightLayout layout,
                           const float* bias, Arithmetic arithmetic)
    : in_(in),
      out_(out),
      product_(
          std::make_unique<const PanelProduct>(PlainWeights{weights, in, out, layout, bias}, kernels_of(arithmetic))) {}

PackedMatrix::PackedMatrix(const WeightColumns& columns, std::size_t in, std::size_t out, const float* bias,
                           Arithmetic arithmetic)
    : in_(in),
      out_(out),
      product_(std::make_unique<const PanelProduct>(columns, in, out, bias, kernels_of(arithmetic))) {}

PackedMatrix::PackedMatrix() = default;
PackedMatrix::~PackedMatrix() = default;
PackedMatrix::PackedMatrix(PackedMatrix&&) noexcept = default;
PackedMatrix& PackedMatrix::operator=(PackedMatrix&&) noexcept = default;

std::size_t PackedMatrix::bytes() const { return product_ ? product_->bytes() : 0; }

void PackedMatrix::multiply(MatrixView<const float> x, MatrixView<float> y) const {
  if (x.rows > 0) product_->multiply(x, y);
}

}  // namespace stratoscope
