// Arrays into the kind of file that its name's ending asks for.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "stratoscope/base/api.h"
#include "stratoscope/files/array.h"

namespace STRATOSCOPE_API stratoscope {

// Throws Error unless the path ends in .safetensors or .npz, so that a long run can be refused before it starts.
void check_array_ending(const std::filesystem::path& path);

// Writes a .safetensors or .npz file, atomically; .npz has no place for the metadata and leaves it out. Throws Error.
void save_arrays(const std::filesystem::path& path, std::span<const ArrayView> arrays,
                 const std::map<std::string, std::string>& metadata = {});

}  // namespace stratoscope
