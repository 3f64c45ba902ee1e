#include "stratoscope/probe/vector_files.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "stratoscope/files/npy.h"
#include "stratoscope/files/safetensors.h"

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

}  // namespace

const VectorFiles::Vector& VectorFiles::read(const std::string& file, const std::string& tensor, std::size_t length) {
  Vector& vector = read_[{file, tensor}];
  if (vector.numbers && vector.numbers->size() == length) return vector;
  const auto take = [&](DType dtype, const Shape& shape, std::span<const std::byte> bytes) {
    vector = {shape, nullptr, 0};
    if (element_count(shape) != length) return;
    BasicTensor<double> numbers({length});
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

}  // namespace stratoscope
