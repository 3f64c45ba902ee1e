// An open folder, held by its descriptor: operations stay in it even if its path, or a folder above it, is replaced by
// a link meanwhile.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace stratoscope {

// A `name` is that of an entry, without a slash, and neither "." nor ".."; other texts count as missing. Entries that
// are symbolic links are never followed.
class Folder {
 public:
  // Symbolic links on the path, which comes from the user, are followed. "" is the current folder. Throws Error if
  // there is no folder that this user may enter.
  explicit Folder(const std::filesystem::path& path);
  // The same; nullopt, with errno set, on failure.
  static std::optional<Folder> open(const std::filesystem::path& path);
  // Takes ownership of the descriptor. The path is for messages.
  Folder(int descriptor, std::filesystem::path path);
  ~Folder();
  Folder(Folder&& other) noexcept;
  Folder& operator=(Folder&& other) noexcept;
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  int descriptor() const { return descriptor_; }
  const std::filesystem::path& path() const { return path_; }

  // A folder in it; nullopt if there is no entry of that name. Throws Error for a link and for other entries.
  std::optional<Folder> find(const std::string& name) const;
  // The same; creates a missing folder.
  Folder make(const std::string& name, mode_t mode = 0777) const;

  enum class Kind { missing, file, folder, link, other };
  Kind kind(const std::string& name) const;
  // The names of the entries in order, of those of `kind` only; empty if they cannot be read.
  std::vector<std::string> names() const;
  std::vector<std::string> names(Kind kind) const;

  // Opens a regular file with these flags. Returns -1 with errno set: ELOOP for a link, EINVAL for other entries.
  int open_file(const std::string& name, int flags, mode_t mode = 0666) const;

  // Each returns false with errno set. A missing entry counts as removed.
  bool remove_file(const std::string& name) const;    // a file or a link
  bool remove_folder(const std::string& name) const;  // an empty one
  bool remove_all(const std::string& name) const;     // an entry of any kind, with its content
  bool remove_entries() const;                        // all entries of this folder, with their content
  bool rename(const std::string& name, const Folder& to, const std::string& new_name) const;

  // Syncs the folder, so that the names in it survive a power failure, if the file system supports it.
  void sync() const;

 private:
  bool remove_all(const std::string& name, int depth) const;
  bool remove_entries(int depth) const;

  int descriptor_;
  std::filesystem::path path_;
};

// A small file in it as a string, as read_text_file for a path; a link is an error.
std::string read_text_file(const Folder& folder, const std::string& name, std::size_t limit = std::size_t{256} << 20);

}  // namespace stratoscope
