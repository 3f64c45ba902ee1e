// A part of a result that is an array of numbers.
#pragma once

#include <string>
#include <vector>

#include "stratoscope/tensor/shape.h"

namespace stratoscope {

struct NamedValues {
  std::string name;
  Shape shape;
  std::vector<double> values;  // row-major
};

// Of rows of one length, at least one: [row, column].
NamedValues array_of_rows(std::string name, const std::vector<std::vector<double>>& rows);

// Whether a document lists the numbers that are also arrays.
enum class DocumentParts { all, beside_arrays };

}  // namespace stratoscope
