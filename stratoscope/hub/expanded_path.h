// Paths in environment variables, read as Python's os.path does.
#pragma once

#include <filesystem>
#include <string>

namespace stratoscope {

// $HOME, else what the system's list of users has for this one; empty where neither names a folder.
std::filesystem::path home_folder();

// "~" and "~user" at the beginning, then $NAME and ${NAME}, as expandvars(expanduser(text)). Unknown ones stay as they
// are.
std::filesystem::path expanded_path(const std::string& text);

}  // namespace stratoscope
