#include "stratoscope/text/tokenizer_definition.h"

#include <algorithm>
#include <string_view>
#include <system_error>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/text/named_tokens.h"
#include "stratoscope/text/sentencepiece.h"
#include "stratoscope/text/tokenizer_json.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

using std::filesystem::path;

void read_merges_txt(const path& file, TokenizerDefinition& definition) {
  const std::string text = read_text_file(file);
  if (const std::size_t at = find_invalid_utf8(text); at < text.size())
    throw Error("tokenizer", file.string() + ": is not UTF-8 at byte offset " + std::to_string(at));
  definition.merges_place = file.string() + ": line ";
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = std::string_view{text}.substr(begin, end - begin);
    begin = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    const bool is_header = number == 1 && line.starts_with("#version");
    if (number == 1) definition.first_merge_number = is_header ? 2 : 1;
    if (!is_header)
      definition.merges.push_back(read_merge_line(line, definition.merges_place + std::to_string(number)));
  }
}

// GPT-2's tokenizer, which has these files.
TokenizerDefinition read_vocab_and_merges(const path& folder) {
  const path file = folder / "vocab.json";
  TokenizerDefinition definition;
  definition.vocabulary_file = file.string();
  definition.vocabulary = read_vocabulary(read_text_file(file), file.string());
  definition.pre_tokenizer.push_back({.kind = PreTokenizerStep::Kind::byte_level});
  definition.decoder.push_back({.kind = DecoderStep::Kind::byte_level});
  read_merges_txt(folder / "merges.txt", definition);
  return definition;
}

TokenizerDefinition read_vocabulary_files(const path& folder) {
  std::error_code unreadable;
  const auto there = [&](const char* name) { return std::filesystem::exists(folder / name, unreadable); };
  if (there("tokenizer.json")) return read_tokenizer_json(folder / "tokenizer.json");
  if (there("vocab.json") || there("merges.txt")) return read_vocab_and_merges(folder);
  if (there("tokenizer.model")) return read_sentencepiece(folder / "tokenizer.model");
  throw Error("tokenizer",
              folder.string() + ": has neither tokenizer.json nor vocab.json and merges.txt nor tokenizer.model",
              "is this the folder of a checkpoint of a language model?");
}

}  // namespace

TokenizerDefinition read_tokenizer_definition(const path& folder) {
  TokenizerDefinition definition = read_vocabulary_files(folder);
  add_named_tokens(folder, definition);
  return definition;
}

}  // namespace stratoscope
