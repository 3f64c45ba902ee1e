#include "stratoscope/files/array.h"

#include <set>
#include <string_view>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

template <class T>
ArrayView view_of(std::string&& name, DType dtype, std::span<const T> values, Shape&& shape) {
  if (element_count(shape) != values.size())
    throw Error("array", in_quotes(name) + " has " + std::to_string(values.size()) + " values, but its shape is " +
                             to_string(shape));
  return {std::move(name), dtype, std::move(shape), std::as_bytes(values)};
}

}  // namespace

ArrayView array_view(std::string name, std::span<const float> values, Shape shape) {
  return view_of(std::move(name), DType::f32, values, std::move(shape));
}
ArrayView array_view(std::string name, std::span<const double> values, Shape shape) {
  return view_of(std::move(name), DType::f64, values, std::move(shape));
}
ArrayView array_view(std::string name, std::span<const std::int64_t> values, Shape shape) {
  return view_of(std::move(name), DType::i64, values, std::move(shape));
}
ArrayView array_view(std::string name, std::span<const std::int32_t> values, Shape shape) {
  return view_of(std::move(name), DType::i32, values, std::move(shape));
}

std::size_t byte_count(DType dtype, const Shape& shape) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(element_count(shape), size_of(dtype), &bytes))
    throw Error("tensor", "shape " + to_string(shape) + " has more bytes than fit");
  return bytes;
}

void check_arrays(const std::string& where, std::span<const ArrayView> arrays) {
  std::set<std::string_view> names;
  for (const ArrayView& array : arrays) {
    if (!names.insert(array.name).second) throw Error(where, "two arrays are called " + in_quotes(array.name));
    if (array.bytes.size() != byte_count(array.dtype, array.shape))
      throw Error(where, "array " + in_quotes(array.name) + " has " + std::to_string(array.bytes.size()) +
                             " bytes, but its shape is " + to_string(array.shape) + " of " +
                             std::string(name_of(array.dtype)));
  }
}

std::vector<PlannedArray> plans_of(std::span<const ArrayView> arrays) {
  std::vector<PlannedArray> plans;
  for (const ArrayView& array : arrays) plans.push_back({array.name, array.dtype, array.shape});
  return plans;
}

}  // namespace stratoscope
