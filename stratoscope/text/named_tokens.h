// The special tokens that the files beside a vocabulary name: special_tokens_map.json, tokenizer_config.json,
// added_tokens.json. All of them may be absent.
#pragma once

#include <filesystem>

#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

// Adds to the definition's tokens those that the files give an id, and those they name that the vocabulary has; and
// says which ones begin and end a text, and are put around one where no post-processor decided that. Throws Error,
// which names the file, for one that is malformed.
void add_named_tokens(const std::filesystem::path& folder, TokenizerDefinition& definition);

}  // namespace stratoscope
