// A regular expression of a tokenizer's file and what it matches in a text, with Hugging Face's idea of letters,
// numbers and spaces.
//
// PCRE2 never sees the text itself, but its shadow (shadow_pattern.h). So the classes are ours (unicode_classes.h) and
// not those of the PCRE2 at hand.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace stratoscope {

// GPT-2's words: contractions, letters, numbers, everything else, each with one space before it, and what spaces
// remain.
inline constexpr std::string_view kGpt2WordPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Immutable: several threads may search with one.
class RegularExpression {
 public:
  // Throws Error for an expression that PCRE2 refuses or that needs what is not implemented.
  explicit RegularExpression(std::string_view expression);
  ~RegularExpression();
  RegularExpression(const RegularExpression&) = delete;
  RegularExpression& operator=(const RegularExpression&) = delete;

  class Search;

 private:
  struct Code;
  std::unique_ptr<const Code> code_;
};

// The matches in parts of one text, from its beginning to its end.
class RegularExpression::Search {
 public:
  // `text` is valid UTF-8 and outlives this, as does `expression`.
  Search(const RegularExpression& expression, std::string_view text);
  ~Search();
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  // From here on matches are those of bytes [begin, end) alone, as if there were no text around them. Parts come in
  // order.
  void set_part(std::size_t begin, std::size_t end);

  // The next match as bytes [begin, end) of the text; it may be empty. Nothing at the part's end.
  std::optional<std::pair<std::size_t, std::size_t>> next();

 private:
  struct Match;
  std::size_t byte_at(std::size_t shadow_at);

  const RegularExpression& expression_;
  std::string_view text_;
  std::string shadow_;                         // unused where the text is ASCII: it is its own shadow
  std::string_view subject_;                   // what PCRE2 sees
  std::size_t byte_ = 0, shadow_byte_ = 0;     // the same place in the text and in the subject
  std::size_t part_begin_ = 0, part_end_ = 0;  // in the subject
  std::size_t from_ = 0;                       // in the subject: where the next match is looked for
  std::optional<std::size_t> last_end_;        // in the subject: of the last match in this part
  std::unique_ptr<Match> match_;
};

}  // namespace stratoscope
