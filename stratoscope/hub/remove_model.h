// Removes a model from the Hugging Face cache.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

struct RemovedModel {
  std::string name;                  // "openai-community/gpt2"
  std::vector<std::string> commits;  // of the removed snapshots
  std::uint64_t freed = 0;           // bytes
  std::uint64_t kept = 0;            // bytes that stay for other models or revisions
  std::vector<std::string> left;     // other entries of the folder: "notes.txt"
};

// `name` as for find_model: NAME removes the whole repository, NAME@REVISION one of its snapshots, and with the last
// one the repository. Blobs of other snapshots in the cache and entries with unknown names stay. The cache itself may
// be a symbolic link; a link within it is removed and never followed. Throws Error for a model that is missing, built
// in, or being downloaded by another process, and, before anything is removed, if a part of its folder is a link. After
// an interruption, removing NAME again completes it.
RemovedModel remove_model(const std::string& name);

}  // namespace stratoscope
