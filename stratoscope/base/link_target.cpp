#include "stratoscope/base/link_target.h"

#include <sys/stat.h>
#include <unistd.h>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

// In a world-writable folder, a link of another user may be a trap.
bool may_be_followed(const fs::path& link, const struct stat& info) {
  struct stat folder {};
  const fs::path parent = link.parent_path();
  if (::stat(parent.empty() ? "." : parent.c_str(), &folder) != 0) return true;
  const bool everybodys = (folder.st_mode & S_ISVTX) != 0 && (folder.st_mode & S_IWOTH) != 0;
  return !everybodys || info.st_uid == ::geteuid() || info.st_uid == folder.st_uid;
}

}  // namespace

fs::path link_target(const fs::path& path) {
  constexpr int kMostLinks = 40;
  fs::path at = path;
  for (int links = 0;; ++links) {
    struct stat info {};
    if (::lstat(at.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return at;
    if (links == kMostLinks) throw Error("file", path.string() + ": is a link that leads back to itself");
    if (!may_be_followed(at, info))
      throw Error("file", at.string() + ": is a link that another user made in a folder that every user may write to",
                  "choose another place");
    std::error_code error;
    const fs::path target = fs::read_symlink(at, error);
    if (error) return at;
    at = at.parent_path() / target;
  }
}

}  // namespace stratoscope
