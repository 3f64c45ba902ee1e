// Named arrays to be written to a file, and arrays read from one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/dtype.h"
#include "stratoscope/tensor/shape.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

// Row-major little-endian numbers that the caller owns and keeps until the file is written.
struct ArrayView {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  std::span<const std::byte> bytes;
};

// An array whose numbers are written later.
struct PlannedArray {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
};

// Row-major little-endian numbers read from a file; convert() returns floats or doubles.
struct StoredArray {
  DType dtype = DType::f32;
  Shape shape;
  std::vector<std::byte> bytes;
};

// Throw Error if the number of values does not match the shape.
ArrayView array_view(std::string name, std::span<const float> values, Shape shape);
ArrayView array_view(std::string name, std::span<const double> values, Shape shape);
ArrayView array_view(std::string name, std::span<const std::int64_t> values, Shape shape);
ArrayView array_view(std::string name, std::span<const std::int32_t> values, Shape shape);

template <class T>
ArrayView array_view(std::string name, const BasicTensor<T>& tensor) {
  return array_view(std::move(name), tensor.values(), tensor.shape());
}
template <class T>
ArrayView array_view(std::string name, BasicTensor<T>&& tensor) = delete;  // the view would outlive it

// The number of bytes of an array of this type and shape. Throws Error if it exceeds std::size_t.
std::size_t byte_count(DType dtype, const Shape& shape);

// The requirements of every format: unique names, and as many bytes as the shape needs. Throws Error with `where`.
void check_arrays(const std::string& where, std::span<const ArrayView> arrays);

std::vector<PlannedArray> plans_of(std::span<const ArrayView> arrays);

}  // namespace stratoscope
