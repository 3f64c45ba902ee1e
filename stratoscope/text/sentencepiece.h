// tokenizer.model, the file of SentencePiece: a protocol buffer.
#pragma once

#include <filesystem>

#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

// The tokenizer that Hugging Face's conversion of Llama-like models makes of the file. Throws Error, which names the
// file, for what is malformed or not implemented (normalizers other than "identity", models of words or characters).
TokenizerDefinition read_sentencepiece(const std::filesystem::path& file);

}  // namespace stratoscope
