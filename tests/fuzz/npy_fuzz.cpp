// .npy: the numbers are as many as the shape says, convert, and read the same once written again.
#include "stratoscope/files/npy.h"
#include "tests/fuzz/arrays.h"

namespace stratoscope {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::InputFile file(fuzz::as_text(data, size));
  const auto array = fuzz::accepted([&] { return read_npy(file.path()); });
  if (!array) return 0;
  fuzz::require_usable(array->dtype, array->shape, array->bytes);
  const auto again = fuzz::folder() / "again.npy";
  write_npy(again, {"array", array->dtype, array->shape, array->bytes});
  fuzz::require_same(read_npy(again), *array);
  return 0;
}

}  // namespace stratoscope
