// Products by oneDNN's kernels. The only file that knows oneDNN is onednn_product.cpp.
#pragma once

#include <memory>

#include "stratoscope/ops/product.h"

namespace stratoscope {

// Null where this processor's kernels do not give a row the same bits among any number of rows: oneDNN 2.6's for
// AVX-512 do, those for AVX2 and older sum in an order that depends on the number of rows and on the place among them.
std::unique_ptr<const Product> pack_for_onednn(const PlainWeights& weights);

}  // namespace stratoscope
