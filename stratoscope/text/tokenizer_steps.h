// The steps of a tokenizer as its files describe them, by the names that tokenizer.json uses.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace stratoscope {

// What is looked for: a string as it is, or a regular expression.
struct TextPattern {
  std::string text;
  bool is_expression = false;
};

// What becomes of what matches, and of what stands between matches.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

// Where in a text a stretch between added tokens begins: a space is put first at most where no text goes before.
enum class StretchPlace { beginning, after_added_token, continuation };

enum class PrependScheme { first, always, never };

struct NormalizerStep {
  enum class Kind { nfc, nfd, nfkc, nfkd, lowercase, strip_accents, strip, prepend, replace };
  Kind kind{};
  TextPattern pattern{};  // replace
  std::string content{};  // replace, prepend
  bool strip_left = true, strip_right = true;
};

struct PreTokenizerStep {
  enum class Kind { byte_level, split, digits, metaspace, punctuation, whitespace, whitespace_split };
  Kind kind{};
  TextPattern pattern{};                                 // split
  SplitBehavior behavior = SplitBehavior::isolated;      // split, punctuation
  bool invert = false;                                   // split: the pattern matches what is kept
  bool add_prefix_space = false, use_regex = true;       // byte_level
  bool individual_digits = false;                        // digits
  std::string replacement{};                             // metaspace: stands for a space
  PrependScheme prepend_scheme = PrependScheme::always;  // metaspace
  bool splits = true;                                    // metaspace
};

struct DecoderStep {
  enum class Kind { byte_level, metaspace, byte_fallback, fuse, strip, replace };
  Kind kind{};
  TextPattern pattern{};            // replace
  std::string content{};            // replace, strip (one character), metaspace (the replacement)
  std::size_t start = 0, stop = 0;  // strip: how many at most
  bool drops_first = false;         // metaspace: the first token's replacements are nothing
};

}  // namespace stratoscope
