// Looks for a model in the cache without changing it: a cache may be shared and read-only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/download/hub_client.h"
#include "stratoscope/hub/download/pull.h"

namespace stratoscope {

// A regular file of that size; follows links.
bool has_size(const std::filesystem::path& file, std::uint64_t size);

// The model if the cache has all of the revision, in the sizes of `hub_size`, under the requested name.
std::optional<PulledModel> find_complete(const std::filesystem::path& cache, const ModelName& asked,
                                         const HubRevision& revision,
                                         const std::function<std::uint64_t(const std::string&)>& hub_size);

// The model in offline mode. Throws Error with similar names, or the missing files.
PulledModel find_offline(const std::filesystem::path& cache, const std::string& name);

}  // namespace stratoscope
