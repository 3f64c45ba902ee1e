// NumPy's .npz format, in and out: a zip archive with one .npy file per array. Reading looks at the array that is asked
// for and at nothing else: objects, text and files that are no arrays may lie beside it.
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

// By how many bytes the arrays that are read may be larger than the archive, so that a small forged file cannot fill
// the memory.
inline constexpr std::size_t kMaxNpzExpansion = std::size_t{1} << 30;

struct DiscardArchive {
  void operator()(zip* archive) const;
};

class NpzFile {
 public:
  // Maps the archive and lists what it holds. Throws Error when it is no zip archive or an empty one.
  explicit NpzFile(const std::filesystem::path& path, std::size_t max_expansion = kMaxNpzExpansion);

  // Names of the archive's .npy files without that ending, each once, in rising order.
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const { return entries_.contains(name); }
  // Unpacks the array, stored or deflated, as numpy.savez and savez_compressed write it. Its size is checked before
  // anything is allocated. Throws Error, also where two arrays have this name.
  StoredArray read(const std::string& name);

 private:
  struct Entry {
    std::uint64_t index = 0;
    std::size_t size = 0;
    bool is_twofold = false;  // another has the same name
  };

  MappedFile file_;  // what the archive reads from
  std::unique_ptr<zip, DiscardArchive> archive_;
  std::map<std::string, Entry> entries_;
  std::size_t unpacked_ = 0, limit_ = 0;  // bytes of the arrays that were read, and the most
};

// Writes the arrays in the order given, uncompressed and atomically; the same arrays give the same bytes. Throws Error
// when there is no array, on a name that occurs twice, is empty, or holds '/' or a control character, and on BF16.
void write_npz(const std::filesystem::path& path, std::span<const ArrayView> arrays);

// The bytes of a whole .npy file that lie inside another file.
struct NpyPart {
  std::string array;  // its name
  std::uint64_t begin = 0, size = 0;
};

// The same from arrays that lie in the file `source`, copied piece by piece. Throws Interrupted where `progress` says
// so.
void write_npz(const std::filesystem::path& path, const std::filesystem::path& source, std::span<const NpyPart> parts,
               const Progress* progress = nullptr);

// Throws Error for a list of names that write_npz would refuse; `file` is named in it.
void check_npz_names(std::span<const PlannedArray> arrays, const std::string& file);

}  // namespace stratoscope
