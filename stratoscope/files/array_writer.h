// Arrays that are written piece by piece, in any order, into a .safetensors or .npz file that appears whole or not at
// all. No more than the pieces is ever in memory.
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
  // Takes the space on the disk for all of it. While a .npz file is put together it is there twice: an archive needs
  // the checksum of an array before the next one. Throws Error for another ending, for what write_safetensors or
  // write_npz refuse, and for a full disk. `metadata` is as for save_arrays.
  ArrayWriter(const std::filesystem::path& path, std::vector<PlannedArray> arrays,
              const std::map<std::string, std::string>& metadata = {});

  const std::vector<PlannedArray>& arrays() const { return arrays_; }
  // Numbers of array `index`, from its byte `offset` on. Each byte of each array is to be written once.
  void write(std::size_t index, std::uint64_t offset, std::span<const std::byte> bytes);
  // Throws Error, and Interrupted where `progress` says so.
  void commit(const Progress* progress = nullptr);

 private:
  bool is_archive() const { return path_.extension() == ".npz"; }

  std::filesystem::path path_;
  std::vector<PlannedArray> arrays_;
  AtomicFile file_;  // of a .npz, never committed: the arrays one behind the other
  std::vector<std::uint64_t> begins_;
};

}  // namespace stratoscope
