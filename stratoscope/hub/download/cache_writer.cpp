#include "stratoscope/hub/download/cache_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/known_models.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMayWrite = "may this user write to the Hugging Face cache? $HF_HUB_CACHE names another one";

Folder made(const Folder& parent, const std::string& name) {
  try {
    return parent.make(name);
  } catch (const Error& error) {
    throw Error(error.where(), error.problem(), error.hint().empty() ? kMayWrite : error.hint());
  }
}

// The cache folder itself, which may be a link.
Folder made(const fs::path& cache) {
  std::error_code error;
  fs::create_directories(cache, error);
  if (error) throw Error("file", cache.string() + ": cannot be made: " + error.message(), kMayWrite);
  return Folder(cache);
}

// Empty if it is none.
std::string link_target(const Folder& folder, const std::string& name) {
  std::array<char, 4096> target{};
  const ssize_t length = ::readlinkat(folder.descriptor(), name.c_str(), target.data(), target.size());
  return length < 0 ? "" : std::string(target.data(), static_cast<std::size_t>(length));
}

// The sibling that the link of a repository's second name leads to; the name itself if it is not such a link.
std::string without_alias(const Folder& cache, const std::string& name) {
  const std::string target = link_target(cache, name);
  return cache.kind(target) == Folder::Kind::folder ? target : name;
}

// Creates a folder's second name beside it. An existing entry of that name stays.
void link_folder(const Folder& cache, const std::string& name, const std::string& folder) {
  if (name != folder) static_cast<void>(!::symlinkat(folder.c_str(), cache.descriptor(), name.c_str()));
}

}  // namespace

CacheWriter::Names::Names(const Folder& cache, const std::string& repository, const std::string& typed_name)
    : own(cache_folder_name(repository)), typed(cache_folder_name(typed_name)) {
  const KnownModel* const known = known_model(repository);
  const std::string second = typed == own && known != nullptr ? cache_folder_name(known->name) : typed;
  const bool own_is_folder = cache.kind(own) == Folder::Kind::folder;
  const bool second_is_folder = second != own && cache.kind(second) == Folder::Kind::folder;
  // Python stores a repository under the name that the user typed.
  const bool in_second = second_is_folder && (!own_is_folder || typed != own);
  folder = in_second ? second : without_alias(cache, own);
  if (own_is_folder && second_is_folder) other = in_second ? own : second;
  locked = {std::min(own, second)};
  if (second != own) locked.push_back(std::max(own, second));
}

CacheWriter::CacheWriter(const fs::path& cache, const std::string& repository, const std::string& typed)
    : cache_(made(cache)),
      names_(cache_, repository, typed),
      folder_(made(cache_, names_.folder)),
      blobs_(made(folder_, "blobs")),
      snapshots_(made(folder_, "snapshots")),
      references_(made(folder_, "refs")),
      locks_(made(cache_, ".locks")),
      staging_(made(locks_, names_.locked.front())) {
  link_folder(cache_, names_.own, names_.folder);
  link_folder(cache_, names_.typed, names_.folder);
}

std::vector<FileLock> CacheWriter::lock(const std::string& etag, const std::function<void()>& waiting) const {
  std::vector<FileLock> locks;
  for (const std::string& name : names_.locked) locks.emplace_back(made(locks_, name), etag + ".lock", waiting);
  return locks;
}

void CacheWriter::adopt(const std::string& etag) const {
  if (names_.other.empty()) return;
  const auto other = cache_.find(names_.other);
  const auto blobs = other ? other->find("blobs") : std::nullopt;
  if (blobs && blobs->kind(etag) == Folder::Kind::file)
    static_cast<void>(!::linkat(blobs->descriptor(), etag.c_str(), blobs_.descriptor(), etag.c_str(), 0));
}

void CacheWriter::make_room(const Folder& folder, const std::string& name) {
  if (folder.kind(name) == Folder::Kind::folder && !folder.remove_folder(name))
    throw Error("file",
                (folder.path() / name).string() + ": is a folder where the cache keeps a file: " + std::strerror(errno),
                "move it away and run the same command again");
}

void CacheWriter::put_in_place(const std::string& name, const Folder& folder, const std::string& new_name) const {
  make_room(folder, new_name);
  if (!staging_.folder().rename(name, folder, new_name))
    throw Error("file", (folder.path() / new_name).string() + ": cannot be put in its place: " + std::strerror(errno));
  folder.sync();
}

void CacheWriter::link(const std::string& commit, const std::string& file, const std::string& etag) const {
  const std::string target = "../../blobs/" + etag;
  const Folder snapshot = made(snapshots_, commit);
  if (link_target(snapshot, file) == target) return;
  if (::symlinkat(target.c_str(), staging_.folder().descriptor(), file.c_str()) != 0)
    throw Error("file", cache_.path().string() + ": no link can be made there: " + std::strerror(errno),
                "the Hugging Face cache needs a file system with symbolic links; $HF_HUB_CACHE names another folder");
  put_in_place(file, snapshot, file);
}

void CacheWriter::set_reference(const std::string& revision, const std::string& commit) const {
  if (revision == commit || commit_of(folder_.path(), revision) == commit) return;
  std::string name = revision;
  std::optional<Folder> inner;  // for a revision such as "refs/pr/1"
  for (std::size_t slash = 0; (slash = name.find('/')) != std::string::npos; name.erase(0, slash + 1))
    inner = made(inner ? *inner : references_, name.substr(0, slash));
  write_file_atomically(staging_.path() / "reference", commit);
  put_in_place("reference", inner ? *inner : references_, name);
}

}  // namespace stratoscope
