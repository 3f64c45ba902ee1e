// Reads the special tokens of the files beside a vocabulary, all of which may be missing: special_tokens_map.json,
// tokenizer_config.json, added_tokens.json.
#pragma once

#include <filesystem>

#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

// Adds to the definition's tokens those with an id in the files and those named there that the vocabulary has; sets the
// tokens for the beginning and end of a text, and those around one unless a post-processor set them. Throws Error with
// the file's name for a malformed file.
void add_named_tokens(const std::filesystem::path& folder, TokenizerDefinition& definition);

}  // namespace stratoscope
