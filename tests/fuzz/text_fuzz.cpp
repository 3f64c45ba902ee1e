// Any bytes as a text: UTF-8 goes through the built-in model's tokenizer and back, the rest is refused; repaired, it is
// UTF-8.
#include "tests/fuzz/tokenizer_use.h"

namespace stratoscope {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Tokenizer tokenizer = Tokenizer::load(STRATOSCOPE_SOURCE_DIR "/models/novella-7m");
  const std::string_view bytes = fuzz::as_text(data, size);
  fuzz::require_encoding(tokenizer, bytes, fuzz::Promise::lossless);
  const std::string text = sanitize_utf8(bytes);
  fuzz::require(find_invalid_utf8(text) == text.size(), "repaired bytes are UTF-8");
  fuzz::require(sanitize_utf8(text) == text, "nothing is left to repair");
  fuzz::require_encoding(tokenizer, text, fuzz::Promise::lossless);
  return 0;
}

}  // namespace stratoscope
