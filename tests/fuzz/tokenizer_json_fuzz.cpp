// tokenizer.json: a tokenizer that loads encodes, and decodes to the same bytes.
#include "tests/fuzz/tokenizer_use.h"

namespace stratoscope {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::folder().file("tokenizer.json", fuzz::as_text(data, size));
  const auto tokenizer = fuzz::accepted([] { return Tokenizer::load(fuzz::folder().path()); });
  if (tokenizer) fuzz::require_usable(*tokenizer);
  return 0;
}

}  // namespace stratoscope
