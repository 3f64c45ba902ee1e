#include "stratoscope/probe/vector_files.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "stratoscope/files/npy.h"
#include "stratoscope/files/safetensors.h"
#include "stratoscope/probe/orthonormal.h"

namespace stratoscope {
namespace {

double largest_magnitude(std::span<const double> numbers) {
  double largest = 0;
  for (const double number : numbers) {
    if (std::isnan(number)) return number;
    largest = std::max(largest, std::abs(number));
  }
  return largest;
}

// `length` numbers, or rows of that length.
bool has_rows_of(const Shape& shape, std::size_t length) {
  return element_count(shape) == length || (shape.size() > 1 && shape.back() == length && element_count(shape) > 0);
}

}  // namespace

const VectorFiles::Vector& VectorFiles::read(const std::string& file, const std::string& tensor, std::size_t length) {
  Vector& vector = read_[{file, tensor}];
  if (vector.numbers && has_rows_of(vector.shape, length)) return vector;
  const auto take = [&](DType dtype, const Shape& shape, std::span<const std::byte> bytes) {
    vector = {shape, nullptr, 0};
    if (!has_rows_of(shape, length)) return;
    BasicTensor<double> numbers({element_count(shape)});
    convert(dtype, bytes, numbers.values());
    vector.largest = largest_magnitude(numbers.values());
    vector.numbers = std::make_shared<const BasicTensor<double>>(std::move(numbers));
  };
  if (tensor.empty()) {
    const StoredArray array = read_npy(file);
    take(array.dtype, array.shape, array.bytes);
  } else {
    const SafetensorsFile stored(file);
    const StoredTensor& found = stored.at(tensor);
    take(found.dtype, found.shape, found.bytes);
    stored.check_unchanged();
  }
  return vector;
}

std::shared_ptr<const BasicTensor<double>> VectorFiles::span(const std::string& file, const std::string& tensor,
                                                             const Indices& cols) {
  auto& span = spans_[{{file, tensor}, cols}];
  if (span) return span;
  const Vector& matrix = read_.at({file, tensor});
  const std::size_t width = matrix.shape.back();
  BasicTensor<double> rows(matrix.shape);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows.data()[i] = !cols || std::binary_search(cols->begin(), cols->end(), i % width) ? matrix.numbers->data()[i] : 0;
  return span = std::make_shared<const BasicTensor<double>>(orthonormal_rows(std::as_const(rows).matrix()));
}

}  // namespace stratoscope
