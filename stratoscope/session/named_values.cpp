#include "stratoscope/session/named_values.h"

#include <algorithm>
#include <utility>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

template <class T>
NamedValues checked_values(std::string name, Shape shape, std::vector<T> values) {
  if (element_count(shape) != values.size())
    throw Error("result", "array " + name + " has " + std::to_string(values.size()) + " values, its shape needs " +
                              std::to_string(element_count(shape)));
  return {std::move(name), std::move(shape), std::move(values)};
}

std::size_t longest(const std::vector<std::vector<double>>& rows) {
  std::size_t longest = 0;
  for (const std::vector<double>& row : rows) longest = std::max(longest, row.size());
  return longest;
}

void append(std::vector<double>& values, const std::vector<std::vector<double>>& rows, std::size_t columns,
            double fill) {
  for (const std::vector<double>& row : rows) {
    values.insert(values.end(), row.begin(), row.end());
    values.insert(values.end(), columns - row.size(), fill);
  }
}

}  // namespace

NamedValues named_values(std::string name, Shape shape, std::vector<double> values) {
  return checked_values(std::move(name), std::move(shape), std::move(values));
}

NamedValues named_values(std::string name, Shape shape, std::vector<std::int32_t> values) {
  return checked_values(std::move(name), std::move(shape), std::move(values));
}

NamedValues named_values(std::string name, Shape shape, std::vector<std::int64_t> values) {
  return checked_values(std::move(name), std::move(shape), std::move(values));
}

NamedValues named_values(std::string name, const std::vector<double>& values) {
  return {std::move(name), {values.size()}, values};
}

NamedValues named_values(std::string name, const std::vector<std::vector<double>>& rows, double fill) {
  std::vector<double> values;
  const std::size_t columns = longest(rows);
  append(values, rows, columns, fill);
  return {std::move(name), {rows.size(), columns}, std::move(values)};
}

NamedValues named_values(std::string name, const std::vector<std::vector<std::vector<double>>>& matrices, double fill) {
  std::size_t rows = 0, columns = 0;
  for (const auto& matrix : matrices) {
    rows = std::max(rows, matrix.size());
    columns = std::max(columns, longest(matrix));
  }
  std::vector<double> values;
  for (const auto& matrix : matrices) {
    append(values, matrix, columns, fill);
    values.insert(values.end(), (rows - matrix.size()) * columns, fill);
  }
  return {std::move(name), {matrices.size(), rows, columns}, std::move(values)};
}

}  // namespace stratoscope
