// What a pull finds in the cache, without a change to it: a cache may be shared, and not this user's to write.
#pragma once

#include <optional>

#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/download/hub_client.h"
#include "stratoscope/hub/download/pull.h"

namespace stratoscope {

// The model where the cache has all of the revision that the hub told of, under the name that was asked for.
std::optional<PulledModel> find_complete(const std::filesystem::path& cache, const ModelName& asked,
                                         const HubRevision& revision);

// The model where no hub may be asked. Throws Error that says which names are near.
PulledModel find_offline(const std::filesystem::path& cache, const std::string& name);

}  // namespace stratoscope
