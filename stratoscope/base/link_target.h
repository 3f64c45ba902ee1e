// Where a path leads that is a link, for what is to be written there.
#pragma once

#include <filesystem>

namespace stratoscope {

// The path that the last of a chain of links names, whether anything is there or not; the path itself where it is no
// link. Links on the way to it are left to the system. Throws Error for a chain that leads back to itself, and for a
// link that another user made in a folder where everybody may, as Linux refuses to follow it (fs.protected_symlinks).
std::filesystem::path link_target(const std::filesystem::path& path);

}  // namespace stratoscope
