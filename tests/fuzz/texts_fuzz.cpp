// A list of texts, one JSON object a line: they are UTF-8, and read the same once written again.
#include <nlohmann/json.hpp>

#include "stratoscope/corpus/text_lines.h"
#include "stratoscope/text/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace stratoscope {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::InputFile file(fuzz::as_text(data, size));
  fuzz::accepted([&] {
    TextLines lines(file.path(), nullptr, {.empty_lines = true, .replace_invalid = true});
    while (const auto text = lines.next())
      fuzz::require(find_invalid_utf8(*text) == text->size(), "repaired texts are UTF-8");
    return true;
  });
  const auto texts = fuzz::accepted([&] { return read_texts(file.path()); });
  if (!texts) return 0;
  std::string lines;
  for (const std::string& text : *texts) {
    fuzz::require(find_invalid_utf8(text) == text.size(), "texts are UTF-8");
    lines += nlohmann::json{{"text", text}}.dump() + "\n";
  }
  const fuzz::InputFile again(lines);
  fuzz::require(read_texts(again.path()) == *texts, "texts written again read the same");
  return 0;
}

}  // namespace stratoscope
