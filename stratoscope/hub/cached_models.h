// Models in the Hugging Face cache, by the names that users write.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/find_model.h"

namespace stratoscope {

// The repositories that a name may mean, best first: the name itself and its alias on the hub; else, for a short name,
// a repository of any organisation, as the hub redirects it.
std::vector<CachedRepository> repositories_called(const std::string& name);

// The folder of a revision in a repository. Without a reference main, the only one; a commit may be abbreviated.
std::optional<std::filesystem::path> find_snapshot(const CachedRepository& repository, const std::string& revision);

// The name of a commit for `stratoscope pull`: "openai-community/gpt2" if that means this commit, else with the commit.
std::string name_to_pull(const CachedRepository& repository, const std::string& commit);
// The same for a snapshot's folder; empty for a folder outside of the cache.
std::optional<std::string> name_to_pull(const std::filesystem::path& folder);

// Throws Error with the missing files of a snapshot and the command `stratoscope pull NAME`.
[[noreturn]] void refuse_incomplete(const std::string& name, const std::filesystem::path& snapshot);

// The model's folder and its full name; nullopt if it is not in the cache. Throws Error for an incomplete model, and
// for an ambiguous short name.
std::optional<ModelLocation> find_cached_model(const std::string& name);

}  // namespace stratoscope
