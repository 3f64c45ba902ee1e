// An incomplete file and its hash: bytes in order from the first, kept when the process ends.
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
  // Opens or creates the file `name`; existing content counts as the beginning of a file of `size` bytes with that
  // `etag`, unless it is longer. A link, and a file with several hard links, belongs to other programs: it is unlinked
  // here, unchanged, and replaced by a new file. Throws Error if it cannot be opened. The folder must outlive this
  // object.
  PartialFile(const Folder& folder, std::string name, std::string etag, std::uint64_t size);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  std::uint64_t position() const { return position_; }
  bool is_complete() const { return position_ == size_; }

  // Hashes the existing content. Calls `reading` between pieces, which may throw.
  void hash_beginning(const std::function<void()>& reading);
  // Throws Error for a full disk, and if the file would exceed its size.
  void append(std::span<const std::byte> bytes);
  void restart();

  // Whether the hash of the complete file equals the etag. Call it once between restarts.
  bool is_right();
  const std::string& found_hash() const { return found_hash_; }
  const char* hash_name() const { return digest_.name(); }
  // Flushes it to the disk and renames it within its folder.
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

// Whether the file of `size` bytes named by its etag has that hash. Calls `reading` between pieces, which may throw.
bool has_digest(const Folder& folder, const std::string& etag, std::uint64_t size,
                const std::function<void()>& reading);

}  // namespace stratoscope
