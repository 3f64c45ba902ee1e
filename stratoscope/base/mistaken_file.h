// Detects files of an unexpected kind by their first bytes.
#pragma once

#include <string>
#include <string_view>

namespace stratoscope {

// Throws Error(where, …) with the name `file` for a git-lfs pointer or a web page, the usual results of a failed
// download or clone of a model. Readers call it before they report an invalid format.
void refuse_mistaken_file(std::string_view bytes, const std::string& where, const std::string& file);

// The same for text files, and also for compressed and UTF-16 files.
void refuse_mistaken_text(std::string_view bytes, const std::string& where, const std::string& file);

}  // namespace stratoscope
