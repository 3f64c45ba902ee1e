// A file that is not complete yet: bytes in order from the first, kept when the process ends, and their hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "stratoscope/base/folder.h"
#include "stratoscope/hub/download/background_flush.h"
#include "stratoscope/hub/download/digest.h"

namespace stratoscope {

class PartialFile {
 public:
  // Opens or makes the file `name`; what is in it already counts as the beginning of a file of `size` bytes with that
  // `etag`, unless it is longer. A link, and a file that has a second name, is somebody else's: it makes room for a new
  // one and stays what it is. Throws Error when it cannot be opened. The folder must outlive this.
  PartialFile(const Folder& folder, std::string name, std::string etag, std::uint64_t size);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  std::uint64_t position() const { return position_; }
  bool is_complete() const { return position_ == size_; }

  // Hashes what was there when it was opened. Calls `reading` between pieces, which may throw.
  void hash_beginning(const std::function<void()>& reading);
  // Throws Error where the disk is full, or the file would become longer than it may.
  void append(std::span<const std::byte> bytes);
  void restart();

  // Whether the hash of the complete file is the etag. To be called once between restarts.
  bool is_right();
  const std::string& found_hash() const { return found_hash_; }
  const char* hash_name() const { return digest_.name(); }
  // Flushes it to the disk and renames it in its folder.
  void move_to(const std::string& name);
  void remove() const;

 private:
  [[noreturn]] void fail(const char* doing) const;

  const Folder& folder_;
  std::string name_, etag_, found_hash_;
  std::uint64_t size_, position_ = 0;
  Digest digest_;
  int descriptor_ = -1;
  std::optional<BackgroundFlush> flush_;
};

// Whether the file of `size` bytes that is called by its etag has that hash. Calls `reading` between pieces, which may
// throw.
bool has_digest(const Folder& folder, const std::string& etag, std::uint64_t size,
                const std::function<void()>& reading);

}  // namespace stratoscope
