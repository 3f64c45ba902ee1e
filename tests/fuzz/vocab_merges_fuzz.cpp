// vocab.json and, after a NUL, merges.txt: a tokenizer that loads encodes, and decodes to the same bytes.
#include "tests/fuzz/tokenizer_use.h"

namespace stratoscope {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto files = fuzz::halves(fuzz::as_text(data, size), '\0');
  if (!files) return 0;
  fuzz::folder().file("vocab.json", files->first);
  fuzz::folder().file("merges.txt", files->second);
  const auto tokenizer = fuzz::accepted([] { return Tokenizer::load(fuzz::folder().path()); });
  if (tokenizer) fuzz::require_usable(*tokenizer, fuzz::Promise::lossless);
  return 0;
}

}  // namespace stratoscope
