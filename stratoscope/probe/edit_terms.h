// The value of an edit: a sum of terms, each a factor times one source of numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/probe/indices.h"

namespace STRATOSCOPE_API stratoscope {

enum class EditSource {
  number,
  mean,        // over the positions of the clean run of the same text
  median,      // over the positions of the clean run of the same text
  clean,       // the same point in the clean run of the same text
  corrupt,     // the same point in the clean run of another text
  vector,      // from a file: one vector, or a matrix with a row for each position
  row_mean,    // of the row's own last axis, before this edit
  row_median,  // of the row's own last axis, before this edit
  noise,       // normally distributed
};

// Whether its values are from the clean run of the text, or from the corrupt run.
constexpr bool reads_other_run(EditSource source) {
  return source == EditSource::mean || source == EditSource::median || source == EditSource::clean ||
         source == EditSource::corrupt;
}

struct EditTerm {
  EditSource source = EditSource::number;
  double number = 1;                                              // the number itself, or the factor of the source
  std::optional<Index> position = {};                             // of corrupt[position] and clean[position]
  std::string vector_file = {}, vector_tensor = {};               // the tensor's name in a safetensors file
  std::shared_ptr<const std::vector<double>> vector_values = {};  // instead of a file, for typed edits
  double deviation = 0;                                           // of noise, 0 or more
  std::uint64_t seed = 0;                                         // of noise

  bool operator==(const EditTerm&) const = default;
  // Whether it is the same number at all places of a row.
  bool is_number() const {
    return source == EditSource::number || source == EditSource::row_mean || source == EditSource::row_median;
  }
};

// Parses the terms of `text` from `begin` on. `where` is the name of the program part for errors. Throws GrammarError.
std::vector<EditTerm> parse_edit_terms(const char* where, std::string_view text, std::size_t begin);

}  // namespace stratoscope
