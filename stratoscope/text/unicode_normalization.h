// The normal forms of Unicode, as Hugging Face's tokenizers make them (tables of normalization_tables.h).
#pragma once

#include <optional>
#include <string_view>

#include "stratoscope/text/mapped_text.h"

namespace stratoscope {

enum class NormalForm { nfc, nfd, nfkc, nfkd };

// The text in the form; nothing where it is in the form already. In time that grows with its length, but for runs of
// combining marks (their length times its logarithm).
std::optional<MappedText> normalized(const MappedText& text, NormalForm form);

// The text in small letters, character by character; nothing where it holds no others.
std::optional<MappedText> lowercased(const MappedText& text);

}  // namespace stratoscope
