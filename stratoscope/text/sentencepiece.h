// Reads tokenizer.model, SentencePiece's file: a protocol buffer.
#pragma once

#include <filesystem>

#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

// The tokenizer to which Hugging Face converts the file for Llama-like models. Throws Error with the file's name for
// malformed content and for features that are not implemented (normalizers other than "identity", models of words or
// characters).
TokenizerDefinition read_sentencepiece(const std::filesystem::path& file);

}  // namespace stratoscope
