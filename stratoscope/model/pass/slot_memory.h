// The buffers of a pass in float32, one for each slot, which grow on demand.
#pragma once

#include <array>
#include <cstddef>

#include "stratoscope/model/pass/float_pass.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

class SlotMemory {
 public:
  // [rows, width], undefined; the earlier content of the slot is lost.
  MatrixView<float> take(Slot slot, std::size_t rows, std::size_t width) {
    Tensor& buffer = buffers_[static_cast<std::size_t>(slot)];
    if (buffer.size() < rows * width) {
      buffer = Tensor();  // so that the old and the new one are not in memory together
      buffer = Tensor({rows * width});
    }
    return {buffer.data(), rows, width};
  }

 private:
  std::array<Tensor, kSlots> buffers_;
};

}  // namespace stratoscope
