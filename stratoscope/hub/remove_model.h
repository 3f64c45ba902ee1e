// Taking a model out of the Hugging Face cache.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

struct RemovedModel {
  std::string name;                  // "openai-community/gpt2"
  std::vector<std::string> commits;  // whose snapshots are gone
  std::uint64_t freed = 0;           // bytes
  std::uint64_t kept = 0;            // bytes that other models or revisions need
  std::vector<std::string> left;     // what is in the folder and no part of a model: "notes.txt"
};

// `name` as find_model takes it: NAME removes the whole repository, NAME@REVISION one of its snapshots, and with the
// last of them the repository. Blobs that another snapshot of the cache needs stay, and so does whatever has none of
// the names that the cache gives. The cache may be a link; a link within it is removed and never followed. Throws Error
// for a model that is not there, is built in, or is being downloaded by another process, and before anything is removed
// where a part of its folder is a link. When it is ended on the way, removing NAME finishes it.
RemovedModel remove_model(const std::string& name);

}  // namespace stratoscope
