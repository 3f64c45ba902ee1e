// Writes arrays piece by piece, in any order, into a .safetensors or .npz file that is created atomically. Only one
// piece is in memory at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/progress.h"
#include "stratoscope/files/array.h"

namespace stratoscope {

class ArrayWriter {
 public:
  // Reserves the space on the disk. A .npz file needs it twice while it is written, since an archive needs the checksum
  // of an array before the next one. Throws Error for another ending, for arrays that write_safetensors or write_npz
  // reject, and for a full disk. `metadata` is as for save_arrays.
  ArrayWriter(const std::filesystem::path& path, std::vector<PlannedArray> arrays,
              const std::map<std::string, std::string>& metadata = {});

  const std::vector<PlannedArray>& arrays() const { return arrays_; }
  // Numbers of array `index`, from its byte `offset` on. Each byte of each array must be written once.
  void write(std::size_t index, std::uint64_t offset, std::span<const std::byte> bytes);
  // Throws Error, and Interrupted when cancelled.
  void commit(const Progress* progress = nullptr);

 private:
  bool is_archive() const { return path_.extension() == ".npz"; }

  std::filesystem::path path_;
  std::vector<PlannedArray> arrays_;
  AtomicFile file_;  // for .npz a temporary file with the arrays in order, never committed
  std::vector<std::uint64_t> begins_;
};

}  // namespace stratoscope
