// Matches of a string or a regular expression of a tokenizer's file.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "stratoscope/text/regular_expression.h"
#include "stratoscope/text/tokenizer_steps.h"

namespace stratoscope {

class CompiledPattern {
 public:
  // Throws Error for an expression that is not implemented, and for an empty string.
  explicit CompiledPattern(const TextPattern& pattern);

 private:
  friend class TextSearch;
  std::string text_;
  std::unique_ptr<const RegularExpression> expression_;
};

// The matches in parts of one text, as in RegularExpression::Search. The pattern and the text must outlive this object.
class TextSearch {
 public:
  TextSearch(const CompiledPattern& pattern, std::string_view text);
  void set_part(std::size_t begin, std::size_t end);
  std::optional<std::pair<std::size_t, std::size_t>> next();

 private:
  std::string_view wanted_, text_;
  std::size_t at_ = 0, end_ = 0;
  std::optional<RegularExpression::Search> search_;
};

}  // namespace stratoscope
