// Which files make a model's folder, and which of them are not there.
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

// What is read of a model beside its configuration and weights, or is worth keeping with it.
std::span<const char* const> companion_files();

// The files that an index of weights names, sorted. `source` names the index in errors. Throws Error for what is no
// index, and for a name that would lead out of the index's folder.
std::vector<std::string> files_of_index(const std::string& text, const std::string& source);

// The files of the folder that hold the weights: model.safetensors, or those of its index. Throws Error where there
// are neither, and for a broken index.
std::vector<std::filesystem::path> weight_files(const std::filesystem::path& folder);

// What the folder lacks to be run as a model: names of files. A folder in a file's place, and a link that leads
// nowhere, is no file. Throws Error for a broken index.
std::vector<std::string> missing_files(const std::filesystem::path& folder);

}  // namespace stratoscope
