// The normal forms of Unicode, in the version of Hugging Face's tokenizers (normalization_tables.h).
#pragma once

#include <optional>
#include <string_view>

#include "stratoscope/text/mapped_text.h"

namespace stratoscope {

enum class NormalForm { nfc, nfd, nfkc, nfkd };

// The text in the form; nullopt if it is already. Linear time, except for runs of combining marks (n log n).
std::optional<MappedText> normalized(const MappedText& text, NormalForm form);

// The text in lower case, character by character; nullopt if it is already.
std::optional<MappedText> lowercased(const MappedText& text);

}  // namespace stratoscope
