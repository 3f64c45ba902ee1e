// The vectors and matrices that edits read from files; each file is read once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

class VectorFiles {
 public:
  struct Vector {
    Shape shape;
    // Null if it is neither `length` numbers nor rows of that length.
    std::shared_ptr<const BasicTensor<double>> numbers;
    double largest = 0;  // the largest magnitude; NaN if a number is NaN
  };
  using Indices = std::optional<std::vector<std::size_t>>;

  // The array of an .npy file, or the tensor `tensor` of a .safetensors file. Throws Error.
  const Vector& read(const std::string& file, const std::string& tensor, std::size_t length);
  // An orthonormal basis of the rows of a matrix that was read, [rank, cols]; numbers outside of `cols` count as 0.
  std::shared_ptr<const BasicTensor<double>> span(const std::string& file, const std::string& tensor,
                                                  const Indices& cols);

 private:
  using Name = std::pair<std::string, std::string>;  // file and tensor
  std::map<Name, Vector> read_;
  std::map<std::pair<Name, Indices>, std::shared_ptr<const BasicTensor<double>>> spans_;
};

}  // namespace stratoscope
