#include "stratoscope/hub/cache_layout.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "stratoscope/base/mapped_file.h"
#include "stratoscope/hub/expanded_path.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "models--";
constexpr std::string_view kSeparator = "--";

std::optional<fs::path> folder_from(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return expanded_path(value);
}

bool is_name_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

bool is_name_part(std::string_view part) {
  constexpr std::size_t kLongest = 96;
  const auto is_edge = [](char c) { return c == '-' || c == '.'; };
  return !part.empty() && part.size() <= kLongest && std::all_of(part.begin(), part.end(), is_name_character) &&
         !is_edge(part.front()) && !is_edge(part.back()) && part.find("..") == std::string_view::npos &&
         part.find(kSeparator) == std::string_view::npos;
}

// "models--openai-community--gpt2" to "openai-community/gpt2".
std::optional<std::string> repository_name(const std::string& cache_folder) {
  if (!cache_folder.starts_with(kPrefix)) return std::nullopt;
  std::string name = cache_folder.substr(kPrefix.size());
  if (const auto dashes = name.find(kSeparator); dashes != std::string::npos) name.replace(dashes, 2, "/");
  return name;
}

// The name of the cache folder that a link in the cache leads to, if it does.
std::optional<std::string> link_target(const fs::path& cache, const std::string& folder) {
  std::error_code error;
  if (!fs::is_symlink(cache / folder, error)) return std::nullopt;
  const fs::path target = fs::canonical(cache / folder, error);
  if (error || !fs::equivalent(target.parent_path(), cache, error) || error) return std::nullopt;
  return target.filename().string();
}

}  // namespace

fs::path hugging_face_home() {
  if (const auto home = folder_from("HF_HOME")) return *home;
  if (const auto xdg = folder_from("XDG_CACHE_HOME")) return *xdg / "huggingface";
  const fs::path home = home_folder();
  return home.empty() ? home : home / ".cache" / "huggingface";
}

fs::path hugging_face_cache() {
  for (const char* variable : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
    if (const auto cache = folder_from(variable)) return *cache;
  const fs::path home = hugging_face_home();
  return home.empty() ? home : home / "hub";
}

ModelName split_model_name(const std::string& name) {
  const auto at = name.find('@');
  if (at == std::string::npos) return {name, std::string(kMainRevision)};
  return {name.substr(0, at), name.substr(at + 1)};
}

bool is_repository_name(std::string_view name) {
  const auto slash = name.find('/');
  if (slash == std::string_view::npos) return is_name_part(name);
  return is_name_part(name.substr(0, slash)) && is_name_part(name.substr(slash + 1));
}

bool is_revision(std::string_view revision) {
  constexpr std::size_t kLongest = 250;
  if (revision.empty() || revision.size() > kLongest) return false;
  std::size_t begin = 0;
  while (begin <= revision.size()) {
    const std::size_t end = std::min(revision.find('/', begin), revision.size());
    const std::string_view part = revision.substr(begin, end - begin);
    if (part.empty() || part.front() == '.') return false;
    begin = end + 1;
  }
  // Sequences that git forbids in a reference's name, and control characters.
  return std::none_of(revision.begin(), revision.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F ||
           std::string_view("~^:?*[\\").find(c) != std::string_view::npos;
  });
}

bool is_commit(std::string_view revision) {
  constexpr std::size_t kDigits = 40;
  return revision.size() == kDigits && std::all_of(revision.begin(), revision.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string cache_folder_name(const std::string& repository) {
  std::string name = repository;
  if (const auto slash = name.find('/'); slash != std::string::npos) name.replace(slash, 1, kSeparator);
  return std::string(kPrefix) + name;
}

bool CachedRepository::is_called(std::string_view name_or_alias) const {
  return name == name_or_alias || std::find(aliases.begin(), aliases.end(), name_or_alias) != aliases.end();
}

std::vector<std::string> folder_names(const fs::path& parent) {
  std::vector<std::string> names;
  std::error_code error, ignored;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error))
    if (fs::is_directory(entry->path(), ignored)) names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<CachedRepository> cached_repositories(const fs::path& cache) {
  std::vector<CachedRepository> repositories;
  std::map<std::string, std::vector<std::string>> aliases;  // by the folder's name
  for (const std::string& folder : folder_names(cache)) {
    const auto name = repository_name(folder);
    if (!name) continue;
    if (const auto target = link_target(cache, folder))
      aliases[*target].push_back(*name);
    else
      repositories.push_back({*name, {}, cache / folder});
  }
  for (CachedRepository& repository : repositories) repository.aliases = aliases[repository.folder.filename().string()];
  std::sort(repositories.begin(), repositories.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return repositories;
}

std::optional<std::string> commit_of(const fs::path& repository, const std::string& revision) {
  if (!is_revision(revision)) return std::nullopt;
  const fs::path reference = repository / "refs" / revision;
  std::error_code ignored;
  if (!fs::is_regular_file(reference, ignored))
    return is_commit(revision) ? std::optional<std::string>(revision) : std::nullopt;
  constexpr std::size_t kLongest = 256;
  std::string commit = read_text_file(reference, kLongest);
  commit.erase(commit.find_last_not_of(" \t\r\n") + 1);
  // A snapshot's folder is in snapshots/.
  if (commit.empty() || commit == "." || commit == ".." || fs::path(commit).filename() != commit) return std::nullopt;
  return commit;
}

std::vector<std::string> revisions_of(const fs::path& repository) {
  std::vector<std::string> names;
  const fs::path references = repository / "refs";
  std::error_code error, ignored;
  for (fs::recursive_directory_iterator entry(references, error), end; !error && entry != end; entry.increment(error))
    if (fs::is_regular_file(entry->path(), ignored))
      names.push_back(entry->path().lexically_relative(references).generic_string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> snapshots_of(const fs::path& repository) { return folder_names(repository / "snapshots"); }

}  // namespace stratoscope
