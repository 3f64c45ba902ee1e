// The vectors that edits read from files; each file is read once.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

class VectorFiles {
 public:
  struct Vector {
    Shape shape;
    std::shared_ptr<const BasicTensor<double>> numbers;  // null if the length is not `length`
    double largest = 0;                                  // the largest magnitude; NaN if a number is NaN
  };

  // The array of an .npy file, or the tensor `tensor` of a .safetensors file. Throws Error.
  const Vector& read(const std::string& file, const std::string& tensor, std::size_t length);

 private:
  std::map<std::pair<std::string, std::string>, Vector> read_;  // by file and tensor
};

}  // namespace stratoscope
