// The target of a symbolic link that is to be written.
#pragma once

#include <filesystem>

namespace stratoscope {

// The path at the end of a chain of symbolic links, whether it exists or not; the path itself if it is not a link.
// Links among its parent folders are left to the system. Throws Error for a cycle, and for a link of another user in a
// world-writable folder, which Linux does not follow either (fs.protected_symlinks).
std::filesystem::path link_target(const std::filesystem::path& path);

}  // namespace stratoscope
