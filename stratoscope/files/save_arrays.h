// Saves arrays in the format of the file name's ending.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "stratoscope/base/api.h"
#include "stratoscope/files/array.h"

namespace STRATOSCOPE_API stratoscope {

// Throws Error unless the path ends in .safetensors or .npz; a check before a long run.
void check_array_ending(const std::filesystem::path& path);

// Writes a .safetensors or .npz file atomically; .npz has no metadata. Throws Error.
void save_arrays(const std::filesystem::path& path, std::span<const ArrayView> arrays,
                 const std::map<std::string, std::string>& metadata = {});

}  // namespace stratoscope
