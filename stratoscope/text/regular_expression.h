// A regular expression of a tokenizer's file and its matches in a text, with the Unicode classes of Hugging Face's
// tokenizers. PCRE2 runs on a shadow of the text (shadow_pattern.h), so that the classes (unicode_classes.h) do not
// depend on the version of PCRE2.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace stratoscope {

// GPT-2's words: contractions, letters, numbers, other characters, each with one leading space, and remaining spaces.
inline constexpr std::string_view kGpt2WordPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Immutable; may be used by several threads at once.
class RegularExpression {
 public:
  // Throws Error for an expression that PCRE2 rejects or that is not implemented.
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

  // Sets the part: the next matches are those within bytes [begin, end), without context around them. Parts must be in
  // order.
  void set_part(std::size_t begin, std::size_t end);

  // The next match as bytes [begin, end) of the text; it may be empty. nullopt at the part's end.
  std::optional<std::pair<std::size_t, std::size_t>> next();

 private:
  struct Match;
  std::size_t byte_at(std::size_t shadow_at);

  const RegularExpression& expression_;
  std::string_view text_;
  std::string shadow_;                         // unused if the text is ASCII, which is its own shadow
  std::string_view subject_;                   // the input of PCRE2
  std::size_t byte_ = 0, shadow_byte_ = 0;     // the same place in the text and in the subject
  std::size_t part_begin_ = 0, part_end_ = 0;  // in the subject
  std::size_t from_ = 0;                       // in the subject: the start of the search for the next match
  std::optional<std::size_t> last_end_;        // in the subject: of the last match in this part
  std::unique_ptr<Match> match_;
};

}  // namespace stratoscope
