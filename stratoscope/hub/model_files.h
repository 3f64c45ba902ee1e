// The files of a model's folder, and those that are missing.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace stratoscope {

inline constexpr const char* kConfigFile = "config.json";
inline constexpr const char* kWeightsFile = "model.safetensors";
inline constexpr const char* kWeightsIndexFile = "model.safetensors.index.json";
inline constexpr const char* kPickleFile = "pytorch_model.bin";

// The files besides configuration and weights that are read, or worth keeping.
std::span<const char* const> companion_files();

// The files of an index of weights, sorted. `source` is the index's name in errors. Throws Error for an invalid index,
// and for a name outside of its folder.
std::vector<std::string> files_of_index(const std::string& text, const std::string& source);

// The files with the weights: model.safetensors, or those of its index. Throws Error if there are neither, and for an
// invalid index.
std::vector<std::filesystem::path> weight_files(const std::filesystem::path& folder);

// The missing files without which the model cannot run. A folder in a file's place and a broken link count as missing.
// Throws Error for an invalid index.
std::vector<std::string> missing_files(const std::filesystem::path& folder);

}  // namespace stratoscope
