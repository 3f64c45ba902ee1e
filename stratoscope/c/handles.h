// What the handles of the C interface hold.
#pragma once

#include <cstddef>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/c/stratoscope.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/session.h"
#include "stratoscope/tensor/dtype.h"
#include "stratoscope/tensor/shape.h"

namespace stratoscope::c {

// What a stratoscope_array points to, beside its numbers. It must not move while the array is used.
class ArrayHeader {
 public:
  // Row-major.
  ArrayHeader(std::string name, DType dtype, Shape shape, void* data, bool is_read_only);
  ArrayHeader(const ArrayHeader&) = delete;
  ArrayHeader& operator=(const ArrayHeader&) = delete;

  const std::string& name() const { return name_; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  stratoscope_array array() const;

 private:
  std::string name_, format_;
  DType dtype_;
  Shape shape_;
  std::vector<std::ptrdiff_t> strides_;  // in bytes
  void* data_;
  bool is_read_only_;
};

// Arrays with the memory of their numbers.
class Arrays {
 public:
  // Each takes the numbers' memory over.
  template <class T>
  void take(std::string name, BasicTensor<T> tensor);
  template <class T>
  void take(std::string name, Shape shape, std::vector<T> values);
  void take(NamedValues values);

  const std::vector<std::unique_ptr<ArrayHeader>>& headers() const { return headers_; }
  // Throws a StatusError of STRATOSCOPE_UNKNOWN.
  const ArrayHeader& at(const std::string& name) const;

 private:
  std::vector<std::unique_ptr<ArrayHeader>> headers_;
  std::vector<std::shared_ptr<void>> memory_;
};

}  // namespace stratoscope::c

struct stratoscope_model {
  explicit stratoscope_model(stratoscope::Session opened) : session(std::move(opened)) {}

  const stratoscope::Session session;
  // Of stratoscope_tensor: made at the first request for each.
  mutable std::mutex mutex;
  mutable std::map<std::string, std::unique_ptr<stratoscope::c::ArrayHeader>> tensors;
  mutable std::vector<std::vector<std::max_align_t>> aligned_tensors;
  mutable std::string tensor_names;
};

struct stratoscope_result {
  std::string json;
  stratoscope::c::Arrays arrays;
  std::string experiment;  // its name
  std::optional<stratoscope::Figure> figure;
  std::exception_ptr why_no_figure;  // where it could not be made
  mutable std::mutex mutex;
  mutable std::map<std::pair<std::string, std::string>, std::string> drawn;  // by format and theme
};
