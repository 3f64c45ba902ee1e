#include "stratoscope/tensor/shape.h"

#include "stratoscope/base/error.h"

namespace stratoscope {

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

std::size_t element_count(std::span<const std::size_t> shape) {
  std::size_t count = 1;
  for (const std::size_t axis : shape)
    if (__builtin_mul_overflow(count, axis, &count))
      throw Error("tensor", "shape " + to_string(Shape(shape.begin(), shape.end())) + " has more elements than fit");
  return count;
}

}  // namespace stratoscope
