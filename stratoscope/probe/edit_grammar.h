// Parses the text forms of edits and captures. edits.h looks up their names and indices in a model.
//
//   edit     = hook selector* op value        capture = hook selector*
//   selector = "[" positions "]" | ".head" "[" list "]" | ".key" "[" positions "]" | ".dim" "[" list "]"
//            | (".top" | ".bottom") "[" amount "]" | ".random" "[" amount [ "," [ "seed=" ] whole number ] "]"
//   amount   = whole number | number "%"
//   op       = "*=" | "+=" | "=" | "without"
//   value    = term { (" + " | " - ") term }
//   term     = number | [ number "*" ] source
//   source   = "zero" | "mean" | "median" | "mean(dim)" | "median(dim)" | ("clean" | "corrupt") [ "[" position "]" ]
//            | "noise(" number [ "," [ "seed=" ] whole number ] ")" | file.npy | file.safetensors:tensor
//
// Lists of positions, keys and dimensions may also have texts in double quotes: [0,"king"], .dim[" coffee"].
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/error.h"
#include "stratoscope/probe/edit_terms.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/probe/value_edit.h"
#include "stratoscope/probe/value_selector.h"

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

// The version of this language, which records keep: 2 has sums of terms, texts in selectors, and numbers chosen by
// value.
constexpr int kEditLanguage = 2;

// A hook point's name with its selectors.
struct HookExpression {
  HookExpression() = default;
  HookExpression(const char* written);         // NOLINT(google-explicit-constructor): as written; throws GrammarError
  HookExpression(const std::string& written);  // NOLINT(google-explicit-constructor)

  std::string text;
  std::string hook;
  std::optional<IndexList> positions, heads, keys, dims;  // the selectors' lists
  std::optional<ValueSelector> by_value;                  // among `dims`, if both are given
};

struct EditExpression : HookExpression {
  EditExpression() = default;
  EditExpression(const char* written);         // NOLINT(google-explicit-constructor): as written; throws GrammarError
  EditExpression(const std::string& written);  // NOLINT(google-explicit-constructor)

  EditOp op = EditOp::multiply;
  std::vector<EditTerm> terms;  // at least one

  bool reads(EditSource source) const;
  // Whether it reads values of the clean run of the text, or of the corrupt run.
  bool reads_other_run() const;
  bool operator==(const EditExpression& other) const { return text == other.text && terms == other.terms; }
};

// Both throw GrammarError. A bracket in place of a number lists blocks (blocks.[0..3].hook_z); one after the name is a
// selector.
EditExpression parse_edit(std::string_view text);
HookExpression parse_hook_expression(std::string_view text);

}  // namespace stratoscope
