// The vectors that edits read from files, each read once however many edits use it.
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
    std::shared_ptr<const BasicTensor<double>> numbers;  // none where there are not `length` of them
    double largest = 0;                                  // magnitude; NaN where a number is
  };

  // The array of an .npy file, or with a name the tensor of a .safetensors file. Throws Error.
  const Vector& read(const std::string& file, const std::string& tensor, std::size_t length);

 private:
  std::map<std::pair<std::string, std::string>, Vector> read_;  // by file and tensor
};

}  // namespace stratoscope
