#include "stratoscope/files/save_arrays.h"

#include "stratoscope/base/error.h"
#include "stratoscope/files/npz.h"
#include "stratoscope/files/safetensors.h"

namespace stratoscope {

void check_array_ending(const std::filesystem::path& path) {
  if (path.extension() != ".safetensors" && path.extension() != ".npz")
    throw Error("file", path.string() + ": arrays are written as .safetensors or .npz",
                "let the file's name end in one of them");
}

void save_arrays(const std::filesystem::path& path, std::span<const ArrayView> arrays,
                 const std::map<std::string, std::string>& metadata) {
  check_array_ending(path);
  if (path.extension() == ".npz") {
    write_npz(path, arrays);
  } else {
    write_safetensors(path, arrays, metadata);
  }
}

}  // namespace stratoscope
