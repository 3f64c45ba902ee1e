// A folder held by its descriptor: what is done in it stays in it, whoever puts a link into its place, or into that of
// a folder above it, meanwhile.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace stratoscope {

// A `name` is that of an entry, without a slash, and neither "." nor ".."; anything else counts as missing. An entry
// that is a link is never followed.
class Folder {
 public:
  // The path is the user's: links on the way to it are followed. "" is the current folder. Throws Error where there is
  // none that this user may enter.
  explicit Folder(const std::filesystem::path& path);
  // The same; nothing, with errno set, where there is none.
  static std::optional<Folder> open(const std::filesystem::path& path);
  // Takes over the descriptor. The path is for messages.
  Folder(int descriptor, std::filesystem::path path);
  ~Folder();
  Folder(Folder&& other) noexcept;
  Folder& operator=(Folder&& other) noexcept;
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  int descriptor() const { return descriptor_; }
  const std::filesystem::path& path() const { return path_; }

  // A folder in it; nothing where there is none of that name. Throws Error for a link, and for what is no folder.
  std::optional<Folder> find(const std::string& name) const;
  // The same, and made where there is none.
  Folder make(const std::string& name, mode_t mode = 0777) const;

  enum class Kind { missing, file, folder, link, other };
  Kind kind(const std::string& name) const;
  // The entries in the order of their names, none where they cannot be read; those of `kind` alone.
  std::vector<std::string> names() const;
  std::vector<std::string> names(Kind kind) const;

  // Opens a regular file, made with these flags. Returns -1 with errno set, ELOOP for a link, EINVAL for what is
  // neither.
  int open_file(const std::string& name, int flags, mode_t mode = 0666) const;

  // Each returns false with errno set. What is missing counts as removed.
  bool remove_file(const std::string& name) const;    // a file or a link
  bool remove_folder(const std::string& name) const;  // an empty one
  bool remove_all(const std::string& name) const;     // whatever it is, with everything in it
  bool remove_entries() const;                        // of this folder, with everything in them
  bool rename(const std::string& name, const Folder& to, const std::string& new_name) const;

  // Makes the names in it survive a power cut, where the file system can promise that.
  void sync() const;

 private:
  bool remove_all(const std::string& name, int depth) const;
  bool remove_entries(int depth) const;

  int descriptor_;
  std::filesystem::path path_;
};

// A small file in it as a string, as read_text_file of a path; a link is no regular file.
std::string read_text_file(const Folder& folder, const std::string& name, std::size_t limit = std::size_t{256} << 20);

}  // namespace stratoscope
