// Splits a text into words, each of which is tokenized by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "stratoscope/text/mapped_text.h"
#include "stratoscope/text/text_search.h"
#include "stratoscope/text/tokenizer_steps.h"

namespace stratoscope {

// Words are bytes [begin, end) of the text: ascending, disjoint, not empty. Bytes outside of them have no tokens.
struct PreTokenized {
  struct Word {
    std::uint32_t begin, end;
  };
  MappedText text;
  std::vector<Word> words;
};

class PreTokenizer {
 public:
  // Throws Error for a pattern that is not implemented.
  explicit PreTokenizer(const std::vector<PreTokenizerStep>& steps);

  PreTokenized apply(MappedText text, StretchPlace place) const;

 private:
  struct Step {
    PreTokenizerStep step;
    std::vector<CompiledPattern> pattern;  // of split, and of steps with a fixed expression or string
  };
  std::vector<Step> steps_;
};

}  // namespace stratoscope
