#include "stratoscope/ops/matmul.h"

#include "stratoscope/ops/instruction_set.h"
#include "stratoscope/ops/panel_product.h"

namespace stratoscope {
namespace {

std::unique_ptr<const Product> pack(const PlainWeights& weights, Arithmetic arithmetic) {
  limit_instruction_set();
  return pack_in_panels(weights, arithmetic);
}

}  // namespace

PackedMatrix::PackedMatrix(const float* weights, std::size_t in, std::size_t out, WeightLayout layout,
                           const float* bias, Arithmetic arithmetic)
    : in_(in), out_(out), product_(pack({weights, in, out, layout, bias}, arithmetic)) {}

PackedMatrix::PackedMatrix() = default;
PackedMatrix::~PackedMatrix() = default;
PackedMatrix::PackedMatrix(PackedMatrix&&) noexcept = default;
PackedMatrix& PackedMatrix::operator=(PackedMatrix&&) noexcept = default;

std::size_t PackedMatrix::bytes() const { return product_ ? product_->bytes() : 0; }

void PackedMatrix::multiply(MatrixView<const float> x, MatrixView<float> y) const {
  if (x.rows > 0) product_->multiply(x, y);
}

}  // namespace stratoscope
