// A named array on its way to a file, and one that came from a file.
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

// Row-major little-endian numbers that somebody else owns and keeps until the file is written.
struct ArrayView {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  std::span<const std::byte> bytes;
};

// An array whose numbers come later.
struct PlannedArray {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
};

// Row-major little-endian numbers read from a file; convert() makes floats or doubles of them.
struct StoredArray {
  DType dtype = DType::f32;
  Shape shape;
  std::vector<std::byte> bytes;
};

// Throw Error when the number of values is not what the shape says.
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

// The bytes that an array of this type and shape fills. Throws Error when that does not fit into std::size_t.
std::size_t byte_count(DType dtype, const Shape& shape);

// What every format asks of the arrays it writes: no name twice, and as many bytes as the shape says. Throws Error,
// with `where` as the part that noticed.
void check_arrays(const std::string& where, std::span<const ArrayView> arrays);

std::vector<PlannedArray> plans_of(std::span<const ArrayView> arrays);

}  // namespace stratoscope
