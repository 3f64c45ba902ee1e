#include "stratoscope/text/text_search.h"

#include "stratoscope/base/error.h"

namespace stratoscope {

CompiledPattern::CompiledPattern(const TextPattern& pattern)
    : text_(pattern.text),
      expression_(pattern.is_expression ? std::make_unique<const RegularExpression>(pattern.text) : nullptr) {
  if (text_.empty()) throw Error("tokenizer", "a pattern is empty");
}

TextSearch::TextSearch(const CompiledPattern& pattern, std::string_view text) : wanted_(pattern.text_), text_(text) {
  if (pattern.expression_) search_.emplace(*pattern.expression_, text);
}

void TextSearch::set_part(std::size_t begin, std::size_t end) {
  at_ = begin;
  end_ = end;
  if (search_) search_->set_part(begin, end);
}

std::optional<std::pair<std::size_t, std::size_t>> TextSearch::next() {
  if (search_) return search_->next();
  const std::size_t found = text_.substr(0, end_).find(wanted_, at_);
  if (found == std::string_view::npos) return std::nullopt;
  at_ = found + wanted_.size();
  return std::pair(found, at_);
}

}  // namespace stratoscope
