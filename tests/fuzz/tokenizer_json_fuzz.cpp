// tokenizer.json: a tokenizer that loads encodes texts into tokens that tile them.
#include "tests/fuzz/tokenizer_use.h"

namespace stratoscope {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::folder().file("tokenizer.json", fuzz::as_text(data, size));
  const auto tokenizer = fuzz::accepted([] { return Tokenizer::load(fuzz::folder().path()); });
  if (tokenizer) fuzz::require_usable(*tokenizer, fuzz::Promise::tiled);
  return 0;
}

}  // namespace stratoscope
