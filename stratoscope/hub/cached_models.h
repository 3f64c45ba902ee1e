// Models in the Hugging Face cache, by the names that users write.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/find_model.h"

namespace stratoscope {

// What a name may mean, the best first: the name itself and the hub's other name for it; else, for a short name, a
// repository of any organisation, as the hub redirects it.
std::vector<CachedRepository> repositories_called(const std::string& name);

// The folder of a revision in a repository. Where main is no reference, the only one there is; of a commit the
// beginning will do.
std::optional<std::filesystem::path> find_snapshot(const CachedRepository& repository, const std::string& revision);

// What `stratoscope pull` calls a commit of a repository: "openai-community/gpt2" where that means this one, else with
// the commit.
std::string name_to_pull(const CachedRepository& repository, const std::string& commit);
// The same of a snapshot's folder; nothing for a folder that is none of the cache's.
std::optional<std::string> name_to_pull(const std::filesystem::path& folder);

// Throws Error that says which files a snapshot lacks and that `stratoscope pull NAME` gets them.
[[noreturn]] void refuse_incomplete(const std::string& name, const std::filesystem::path& snapshot);

// The model's folder and its whole name; nothing where the cache has none. Throws Error for one that is not complete,
// and for a short name that means several.
std::optional<ModelLocation> find_cached_model(const std::string& name);

}  // namespace stratoscope
