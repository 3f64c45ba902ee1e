// The arrays of a result, beside its document: the numbers as they are, without a text between.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/shape.h"

namespace STRATOSCOPE_API stratoscope {

// Row-major numbers with a name. Each result's arrays_of() documents names and shapes.
struct NamedValues {
  std::string name;
  Shape shape;
  std::variant<std::vector<double>, std::vector<std::int32_t>, std::vector<std::int64_t>> values;
};

// Whether a document lists the numbers that are also arrays.
enum class DocumentParts { all, beside_arrays };

// Throws Error for values that do not fit the shape.
NamedValues named_values(std::string name, Shape shape, std::vector<double> values);
NamedValues named_values(std::string name, Shape shape, std::vector<std::int32_t> values);
NamedValues named_values(std::string name, Shape shape, std::vector<std::int64_t> values);
// [n]
NamedValues named_values(std::string name, const std::vector<double>& values);
// [rows, columns]; what a shorter row lacks is `fill`.
NamedValues named_values(std::string name, const std::vector<std::vector<double>>& rows, double fill = 0);
// [matrices, rows, columns], likewise.
NamedValues named_values(std::string name, const std::vector<std::vector<std::vector<double>>>& matrices,
                         double fill = 0);

}  // namespace stratoscope
