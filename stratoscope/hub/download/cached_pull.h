// What a pull finds in the cache, without a change to it: a cache may be shared, and not this user's to write.
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

// A regular file of that size, links followed.
bool has_size(const std::filesystem::path& file, std::uint64_t size);

// The model where the cache has all of the revision that the hub told of, in the sizes that `hub_size` gives, under the
// name that was asked for.
std::optional<PulledModel> find_complete(const std::filesystem::path& cache, const ModelName& asked,
                                         const HubRevision& revision,
                                         const std::function<std::uint64_t(const std::string&)>& hub_size);

// The model where no hub may be asked. Throws Error that says which names are near, or what is missing.
PulledModel find_offline(const std::filesystem::path& cache, const std::string& name);

}  // namespace stratoscope
