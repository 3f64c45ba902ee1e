// From the spellings of tokens to bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/text/text_search.h"
#include "stratoscope/text/tokenizer_steps.h"

namespace stratoscope {

// The byte of a token <0xNN> of byte fallback.
std::optional<char> fallback_byte(std::string_view spelling);
std::string spell_fallback_byte(unsigned char byte);

class Decoder {
 public:
  // Throws Error for a pattern that is not implemented. The step byte_level has no effect: its tokens are given as
  // bytes.
  explicit Decoder(const std::vector<DecoderStep>& steps);

  // The bytes of a sequence of tokens, as a whole text.
  std::string decode(std::vector<std::string> tokens) const;

  // The bytes of one token within a text: steps for the beginning or end of a text are skipped.
  std::string decode_within(std::string token) const;

 private:
  struct Step {
    DecoderStep step;
    std::vector<CompiledPattern> pattern;  // of replace alone
  };
  static void apply(const Step& step, std::vector<std::string>& tokens, bool within);

  std::vector<Step> steps_;
};

}  // namespace stratoscope
