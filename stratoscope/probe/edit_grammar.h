// Parses the text forms of edits and captures. edits.h looks up their names and indices in a model.
//
//   edit     = hook selector* op value        capture = hook selector*
//   selector = "[" positions "]" | ".head" "[" list "]" | ".key" "[" positions "]" | ".dim" "[" list "]"
//   op       = "*=" | "+=" | "=" | "without"
//   value    = number | "zero" | "mean" | "corrupt" [ "[" position "]" ] | vector | number "*" vector
//   vector   = file.npy | file.safetensors:tensor
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/error.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/probe/value_edit.h"

namespace STRATOSCOPE_API stratoscope {

// An error with its place in an expression; its details show the expression with a caret under the place.
class GrammarError : public Error {
 public:
  GrammarError(const std::string& where, const std::string& expression, std::size_t column, const std::string& problem,
               const std::string& hint = {});

  std::size_t column() const { return column_; }  // in bytes

 private:
  std::size_t column_;
};

enum class EditSource {
  number,
  mean,     // over the positions of the clean run of the same text
  corrupt,  // the same point in the run of another text
  vector,   // from a file
};

// A hook point's name with its selectors.
struct HookExpression {
  HookExpression() = default;
  HookExpression(const char* written);         // NOLINT(google-explicit-constructor): as written; throws GrammarError
  HookExpression(const std::string& written);  // NOLINT(google-explicit-constructor)

  std::string text;
  std::string hook;
  std::optional<IndexList> positions, heads, keys, dims;  // the selectors' lists
};

struct EditExpression : HookExpression {
  EditExpression() = default;
  EditExpression(const char* written);         // NOLINT(google-explicit-constructor): as written; throws GrammarError
  EditExpression(const std::string& written);  // NOLINT(google-explicit-constructor)

  EditOp op = EditOp::multiply;
  EditSource source = EditSource::number;
  double number = 0;                                              // the number, or the factor of a vector
  std::optional<Index> corrupt_position;                          // of corrupt[position]
  std::string vector_file, vector_tensor;                         // the tensor's name in a safetensors file
  std::shared_ptr<const std::vector<double>> vector_values = {};  // instead of a file, for typed edits

  bool operator==(const EditExpression& other) const {
    return text == other.text && number == other.number && vector_values == other.vector_values;
  }
};

// Both throw GrammarError. A bracket in place of a number lists blocks (blocks.[0..3].hook_z); one after the name is a
// selector.
EditExpression parse_edit(std::string_view text);
HookExpression parse_hook_expression(std::string_view text);

}  // namespace stratoscope
