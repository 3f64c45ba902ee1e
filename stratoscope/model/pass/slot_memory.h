// The buffers of a pass in float32, one for each slot, which grow as they are asked for.
#pragma once

#include <array>
#include <cstddef>

#include "stratoscope/model/pass/float_pass.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

class SlotMemory {
 public:
  // [rows, width], undefined; what the slot held before is lost.
  MatrixView<float> take(Slot slot, std::size_t rows, std::size_t width) {
    Tensor& buffer = buffers_[static_cast<std::size_t>(slot)];
    if (buffer.size() < rows * width) {
      buffer = Tensor();  // never the old and the new at once
      buffer = Tensor({rows * width});
    }
    return {buffer.data(), rows, width};
  }

 private:
  std::array<Tensor, kSlots> buffers_;
};

}  // namespace stratoscope
