// Cuts a text into words by a checkpoint's regular expression, with Hugging Face's idea of letters, numbers and spaces.
//
// PCRE2 never sees the text itself, but its shadow: one byte for each code point, ASCII as it is and every other one
// replaced by a byte for its class. So the classes are ours (unicode_classes.h) and not those of the PCRE2 at hand.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace stratoscope {

// GPT-2's: contractions, words, numbers, everything else, each with one space before it, and what spaces remain.
inline constexpr std::string_view kGpt2WordPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Immutable: several threads may split with one.
class WordSplitter {
 public:
  // Throws Error for a pattern that PCRE2 refuses or that needs more than ASCII, \p{L}, \p{N}, \s and \S.
  explicit WordSplitter(std::string_view pattern);
  ~WordSplitter();
  WordSplitter(const WordSplitter&) = delete;
  WordSplitter& operator=(const WordSplitter&) = delete;

  class Words;

 private:
  struct Code;
  std::unique_ptr<const Code> code_;
};

// The words of one text, one after the other: together they are the text. What the pattern does not match is a word
// too.
class WordSplitter::Words {
 public:
  // `text` is valid UTF-8 and outlives this, as does `splitter`.
  Words(const WordSplitter& splitter, std::string_view text);
  ~Words();
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;

  // The next word; empty at the end of the text.
  std::string_view next();

 private:
  struct Match;
  std::size_t next_end();

  const WordSplitter& splitter_;
  std::string_view text_;
  std::string shadow_;                  // unused where the text is ASCII: it is its own shadow
  std::string_view subject_;            // what PCRE2 sees
  std::size_t at_ = 0, shadow_at_ = 0;  // where the next word begins
  std::unique_ptr<Match> match_;
};

}  // namespace stratoscope
