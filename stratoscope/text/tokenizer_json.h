// tokenizer.json, the file of Hugging Face's tokenizers.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

// Throws Error with the file's name for malformed or unsupported content.
TokenizerDefinition read_tokenizer_json(const std::filesystem::path& file);

// The text of vocab.json: an object of ids by spelling. `name` is for messages.
std::vector<TokenizerDefinition::Token> read_vocabulary(std::string_view json, const std::string& name);

// A merge as text, "a b". `place` is for messages.
TokenizerDefinition::Merge read_merge_line(std::string_view line, const std::string& place);

}  // namespace stratoscope
