// Files that stand where another was expected, known by their first bytes.
#pragma once

#include <string>
#include <string_view>

namespace stratoscope {

// Throws Error(where, …), `file` named, when the bytes are a git-lfs pointer or a web page: what is left of a model's
// file when a download or a clone went wrong. For every reader, before it says what is wrong with the format.
void refuse_mistaken_file(std::string_view bytes, const std::string& where, const std::string& file);

// The same for files of text, and for one that is compressed or UTF-16.
void refuse_mistaken_text(std::string_view bytes, const std::string& where, const std::string& file);

}  // namespace stratoscope
