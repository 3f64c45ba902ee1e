#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <variant>

#include "stratoscope/base/names.h"
#include "stratoscope/c/call.h"
#include "stratoscope/c/handles.h"

namespace stratoscope::c {
namespace {

template <class T>
constexpr DType kDTypeOf = std::is_same_v<T, double>         ? DType::f64
                           : std::is_same_v<T, float>        ? DType::f32
                           : std::is_same_v<T, std::int64_t> ? DType::i64
                                                             : DType::i32;

std::vector<std::ptrdiff_t> strides_of(const Shape& shape, std::size_t size) {
  std::vector<std::ptrdiff_t> strides(shape.size());
  auto stride = static_cast<std::ptrdiff_t>(size);
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= static_cast<std::ptrdiff_t>(std::max<std::size_t>(shape[axis], 1));
  }
  return strides;
}

}  // namespace

ArrayHeader::ArrayHeader(std::string name, DType dtype, Shape shape, void* data, bool is_read_only)
    : name_(std::move(name)),
      format_(name_of(dtype)),
      dtype_(dtype),
      shape_(std::move(shape)),
      strides_(strides_of(shape_, size_of(dtype))),
      data_(element_count(shape_) == 0 ? nullptr : data),
      is_read_only_(is_read_only) {}

stratoscope_array ArrayHeader::array() const {
  return {name_.c_str(), data_, format_.c_str(), shape_.size(), shape_.data(), strides_.data(), is_read_only_ ? 1 : 0};
}

template <class T>
void Arrays::take(std::string name, BasicTensor<T> tensor) {
  auto memory = std::make_shared<BasicTensor<T>>(std::move(tensor));
  headers_.push_back(
      std::make_unique<ArrayHeader>(std::move(name), kDTypeOf<T>, memory->shape(), memory->data(), false));
  memory_.push_back(std::move(memory));
}

template <class T>
void Arrays::take(std::string name, Shape shape, std::vector<T> values) {
  auto memory = std::make_shared<std::vector<T>>(std::move(values));
  headers_.push_back(
      std::make_unique<ArrayHeader>(std::move(name), kDTypeOf<T>, std::move(shape), memory->data(), false));
  memory_.push_back(std::move(memory));
}

void Arrays::take(NamedValues values) {
  std::visit([&](auto& numbers) { take(std::move(values.name), std::move(values.shape), std::move(numbers)); },
             values.values);
}

template void Arrays::take(std::string, BasicTensor<float>);
template void Arrays::take(std::string, BasicTensor<double>);
template void Arrays::take(std::string, Shape, std::vector<std::int32_t>);
template void Arrays::take(std::string, Shape, std::vector<std::int64_t>);

const ArrayHeader& Arrays::at(const std::string& name) const {
  std::vector<std::string> names;
  for (const auto& header : headers_) {
    if (header->name() == name) return *header;
    names.push_back(header->name());
  }
  throw StatusError(STRATOSCOPE_UNKNOWN, "result", "there is no array " + in_quotes(name), did_you_mean(name, names));
}

}  // namespace stratoscope::c
