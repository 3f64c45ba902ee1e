// The steps of a tokenizer as described in its files, by the names of tokenizer.json.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace stratoscope {

// A string or a regular expression to search for.
struct TextPattern {
  std::string text;
  bool is_expression = false;
};

// The treatment of matches and of the text between them.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

// The place of a stretch between added tokens, which decides whether a space is inserted before it.
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
  bool invert = false;                                   // split: the pattern matches the words, not the separators
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
  std::size_t start = 0, stop = 0;  // strip: the largest numbers
  bool drops_first = false;         // metaspace: removes the replacements of the first token
};

}  // namespace stratoscope
