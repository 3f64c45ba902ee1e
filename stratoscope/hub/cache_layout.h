// The layout of Hugging Face's model cache: its folder, and the names of repositories, revisions and files. Only reads.
//
//   models--ORG--NAME/blobs/ETAG                    a file's bytes, named by their hash
//   models--ORG--NAME/snapshots/COMMIT/FILE         a relative link to a blob
//   models--ORG--NAME/refs/REVISION                 the commit that a branch or tag names
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

// $HF_HUB_CACHE (or its old name $HUGGINGFACE_HUB_CACHE), $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub,
// ~/.cache/huggingface/hub: the first whose variable is set, else the last. Parsed as by expanded_path(); empty for a
// user without a home.
std::filesystem::path hugging_face_cache();
// The folder of other files of Hugging Face's tools: $HF_HOME, $XDG_CACHE_HOME/huggingface, ~/.cache/huggingface.
std::filesystem::path hugging_face_home();

inline constexpr std::string_view kMainRevision = "main";

// "NAME" or "NAME@REVISION" as users write it.
struct ModelName {
  std::string repository;
  std::string revision;  // a branch, a tag or a commit
};
// The revision is "main" by default. Does not validate.
ModelName split_model_name(const std::string& name);

// Whether it is valid as a repository's name on the hub, "gpt2" or "openai-community/gpt2". The folder of such a name
// stays in the cache.
bool is_repository_name(std::string_view name);
// Whether it is valid as the name of a branch, a tag or a pull request, or as a commit, and stays below refs/.
bool is_revision(std::string_view revision);
// 40 lower-case hexadecimal digits.
bool is_commit(std::string_view revision);

// "openai-community/gpt2" to "models--openai-community--gpt2".
std::string cache_folder_name(const std::string& repository);

struct CachedRepository {
  std::string name;                  // "openai-community/gpt2", of the folder itself
  std::vector<std::string> aliases;  // of links to the folder: "gpt2"
  std::filesystem::path folder;

  bool is_called(std::string_view name_or_alias) const;
};

// The folders of models in the cache in the order of their names; empty without a cache.
std::vector<CachedRepository> cached_repositories(const std::filesystem::path& cache);

// The commit of a branch or tag in a repository's folder; a commit returns itself. Empty if the reference is missing or
// is not a commit.
std::optional<std::string> commit_of(const std::filesystem::path& repository, const std::string& revision);
// The references of a repository's folder by their names.
std::vector<std::string> revisions_of(const std::filesystem::path& repository);
// The commits with downloaded files.
std::vector<std::string> snapshots_of(const std::filesystem::path& repository);

// The names of the folders (and of links to folders) in a folder, sorted; empty if it cannot be read.
std::vector<std::string> folder_names(const std::filesystem::path& parent);

}  // namespace stratoscope
