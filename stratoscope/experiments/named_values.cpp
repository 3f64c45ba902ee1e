#include "stratoscope/experiments/named_values.h"

#include <utility>

namespace stratoscope {

NamedValues array_of_rows(std::string name, const std::vector<std::vector<double>>& rows) {
  NamedValues array{std::move(name), {rows.size(), rows.front().size()}, {}};
  for (const auto& row : rows) array.values.insert(array.values.end(), row.begin(), row.end());
  return array;
}

}  // namespace stratoscope
