// Row-major arrays that own their numbers, and views of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <utility>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/aligned_memory.h"
#include "stratoscope/tensor/shape.h"

namespace STRATOSCOPE_API stratoscope {

// `rows` rows of `cols` numbers; row r begins at data + r * stride. Does not own its memory.
template <class T>
struct MatrixView {
  T* data = nullptr;
  std::size_t rows = 0, cols = 0, stride = 0;

  MatrixView() = default;
  MatrixView(T* begin, std::size_t row_count, std::size_t col_count)
      : data(begin), rows(row_count), cols(col_count), stride(col_count) {}
  MatrixView(T* begin, std::size_t row_count, std::size_t col_count, std::size_t row_stride)
      : data(begin), rows(row_count), cols(col_count), stride(row_stride) {}

  T* row(std::size_t r) const { return data + r * stride; }
  std::span<T> row_span(std::size_t r) const { return {row(r), cols}; }
  MatrixView rows_from(std::size_t first, std::size_t count) const { return {row(first), count, cols, stride}; }
  MatrixView cols_from(std::size_t first, std::size_t count) const { return {data + first, rows, count, stride}; }
  // Implicit, like the conversion to a pointer to constants. NOLINTNEXTLINE(google-explicit-constructor)
  operator MatrixView<const T>() const { return {data, rows, cols, stride}; }
};

// An owned array of T (float in the engine, double on the reference path), 64-byte aligned, row-major.
// Move-only: copy() makes the cost of a copy visible.
template <class T>
class BasicTensor {
 public:
  BasicTensor() = default;
  // Uninitialised; zeros() for zeros.
  explicit BasicTensor(Shape shape)
      : shape_(std::move(shape)), size_(element_count(shape_)), memory_(allocate(size_)) {}

  static BasicTensor zeros(Shape shape) {
    BasicTensor tensor(std::move(shape));
    std::fill_n(tensor.data(), tensor.size(), T{});
    return tensor;
  }
  BasicTensor copy() const {
    BasicTensor twin(shape_);
    std::copy_n(data(), size_, twin.data());
    return twin;
  }

  const Shape& shape() const { return shape_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return static_cast<T*>(memory_.data()); }
  const T* data() const { return static_cast<const T*>(memory_.data()); }
  std::span<T> values() { return {data(), size_}; }
  std::span<const T> values() const { return {data(), size_}; }

  // All but the last axis as rows.
  MatrixView<T> matrix() { return {data(), row_count(), shape_.back()}; }
  MatrixView<const T> matrix() const { return {data(), row_count(), shape_.back()}; }
  // Entry i of the first axis as a matrix: the token rows of one depth of [depth, pos, d_model].
  MatrixView<T> slice(std::size_t i) { return matrix().rows_from(i * rows_per_slice(), rows_per_slice()); }
  MatrixView<const T> slice(std::size_t i) const { return matrix().rows_from(i * rows_per_slice(), rows_per_slice()); }

 private:
  static AlignedMemory allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_alloc();
    return AlignedMemory(count * sizeof(T));
  }
  std::size_t row_count() const { return shape_.back() == 0 ? 0 : size_ / shape_.back(); }
  std::size_t rows_per_slice() const { return row_count() / shape_.front(); }

  Shape shape_;
  std::size_t size_ = 0;
  AlignedMemory memory_;
};

using Tensor = BasicTensor<float>;

}  // namespace stratoscope
