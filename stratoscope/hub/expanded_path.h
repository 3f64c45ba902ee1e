// Paths in environment variables, expanded as by Python's os.path.
#pragma once

#include <filesystem>
#include <string>

namespace stratoscope {

// $HOME, else the home folder of the user database; empty without either.
std::filesystem::path home_folder();

// Expands a leading "~" or "~user", then $NAME and ${NAME}, as expandvars(expanduser(text)). Unknown ones stay.
std::filesystem::path expanded_path(const std::string& text);

}  // namespace stratoscope
