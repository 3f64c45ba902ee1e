// Files and folders that are not finished yet. Each is hidden, named ".stratoscope-….tmp", and locked for as long as
// the process that makes it lives. What a killed process left is therefore known: it has such a name and no lock.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace stratoscope {

// Creates an empty file, open for writing, or an empty folder, in `folder` ("" is the current one), under a name that
// nothing has yet, which goes to `path`. What killed runs left in `folder` is removed first. Returns the descriptor
// that holds the lock, for the caller to close; -1 with errno set on failure. The permissions are `mode` less the
// umask.
int create_temporary_file(const std::filesystem::path& folder, std::filesystem::path& path);
int create_temporary_folder(const std::filesystem::path& folder, mode_t mode, std::filesystem::path& path);

// Whether an entry of a folder has such a name.
bool is_temporary(const std::filesystem::path& path);

// Makes the names in `folder` survive a power cut, where the file system can promise that.
void sync_folder(const std::filesystem::path& folder);

}  // namespace stratoscope
