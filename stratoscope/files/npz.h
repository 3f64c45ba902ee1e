// NumPy's .npz format, in and out: a zip archive with one .npy file per array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "stratoscope/base/progress.h"
#include "stratoscope/files/array.h"

namespace stratoscope {

// By how many bytes the arrays of an archive may be larger than the archive, so that a small forged file cannot fill
// the memory.
inline constexpr std::size_t kMaxNpzExpansion = std::size_t{1} << 30;

// Every array by its name, stored or deflated, as numpy.savez and savez_compressed write them. The sizes are checked
// before anything is allocated. Throws Error.
std::map<std::string, StoredArray> read_npz(const std::filesystem::path& path,
                                            std::size_t max_expansion = kMaxNpzExpansion);

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
