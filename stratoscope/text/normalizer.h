// Changes a text before it is split.
#pragma once

#include <string>
#include <vector>

#include "stratoscope/text/mapped_text.h"
#include "stratoscope/text/text_search.h"
#include "stratoscope/text/tokenizer_steps.h"

namespace stratoscope {

class Normalizer {
 public:
  // Throws Error for a pattern that is not implemented.
  explicit Normalizer(const std::vector<NormalizerStep>& steps);

  // An empty text stays as it is.
  MappedText apply(MappedText text, StretchPlace place) const;

 private:
  struct Step {
    NormalizerStep step;
    std::vector<CompiledPattern> pattern;  // of replace alone
  };
  std::vector<Step> steps_;
};

}  // namespace stratoscope
