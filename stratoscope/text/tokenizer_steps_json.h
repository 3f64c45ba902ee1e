// The steps that a tokenizer.json lists: "normalizer", "pre_tokenizer", "post_processor" and "decoder".
#pragma once

#include "stratoscope/text/json_section.h"
#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

// Fills in the definition's steps and the ids around a text. Throws Error with the step's name for malformed or
// unsupported content.
void read_tokenizer_steps(const JsonSection& tokenizer, TokenizerDefinition& definition);

}  // namespace stratoscope
