// Reads and writes NumPy's .npz format: a zip archive with one .npy file per array. Reading decodes only the requested
// array: the archive may contain objects, text and other files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/progress.h"
#include "stratoscope/files/array.h"

struct zip;  // libzip's zip_t

namespace stratoscope {

// Limit of the unpacked size of arrays beyond the size of the archive, so that a small forged file cannot fill the
// memory.
inline constexpr std::size_t kMaxNpzExpansion = std::size_t{1} << 30;

struct DiscardArchive {
  void operator()(zip* archive) const;
};

class NpzFile {
 public:
  // Maps the archive and lists its entries. Throws Error if it is not a zip archive or is empty.
  explicit NpzFile(const std::filesystem::path& path, std::size_t max_expansion = kMaxNpzExpansion);

  // Names of the archive's .npy files without that ending, each once, in ascending order.
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const { return entries_.contains(name); }
  // Unpacks the array, stored or deflated, as numpy.savez and savez_compressed write it. Its size is checked before any
  // allocation. Throws Error, also if two arrays have this name.
  StoredArray read(const std::string& name);

 private:
  struct Entry {
    std::uint64_t index = 0;
    std::size_t size = 0;
    bool is_twofold = false;  // another has the same name
  };

  MappedFile file_;  // the bytes of the archive
  std::unique_ptr<zip, DiscardArchive> archive_;
  std::map<std::string, Entry> entries_;
  std::size_t unpacked_ = 0, limit_ = 0;  // bytes of arrays read so far, and their limit
};

// Writes the arrays in the order given, uncompressed and atomically; the same arrays give the same bytes. Throws Error
// for no array, for a name that is repeated, empty, or has '/' or a control character, and for BF16.
void write_npz(const std::filesystem::path& path, std::span<const ArrayView> arrays);

// The bytes of a whole .npy file within another file.
struct NpyPart {
  std::string array;  // its name
  std::uint64_t begin = 0, size = 0;
};

// The same for arrays in the file `source`, copied piece by piece. Throws Interrupted when cancelled.
void write_npz(const std::filesystem::path& path, const std::filesystem::path& source, std::span<const NpyPart> parts,
               const Progress* progress = nullptr);

// Throws Error, with the name `file`, for names that write_npz rejects.
void check_npz_names(std::span<const PlannedArray> arrays, const std::string& file);

}  // namespace stratoscope
