// .safetensors: exactly the valid files are accepted; they convert, and read the same after they are written again.
#include "stratoscope/files/safetensors.h"
#include "tests/fuzz/arrays.h"
#include "tests/fuzz/safetensors_rules.h"

namespace stratoscope {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_text(data, size);
  const fuzz::InputFile input(bytes);
  const auto file = fuzz::accepted([&] { return SafetensorsFile(input.path()); });
  fuzz::require(file.has_value() == fuzz::is_safetensors(bytes), "exactly what the rules allow is accepted");
  if (!file) return 0;
  std::vector<ArrayView> views;
  for (const auto& [name, tensor] : file->tensors()) {
    if (tensor.dtype == DType::unreadable) {
      fuzz::require(!fuzz::accepted([&, &key = name] { return file->at(key); }),
                    "an unreadable type is refused when asked for");
      continue;
    }
    fuzz::require_usable(tensor.dtype, tensor.shape, tensor.bytes);
    views.push_back({name, tensor.dtype, tensor.shape, tensor.bytes});
  }
  const auto path = fuzz::folder() / "again.safetensors";
  write_safetensors(path, views, file->metadata());
  const SafetensorsFile again(path);
  fuzz::require(again.metadata() == file->metadata(), "metadata written again reads the same");
  fuzz::require(again.tensors().size() == views.size(), "as many tensors are read as were written");
  for (const ArrayView& view : views) fuzz::require_same(again.at(view.name), view);
  return 0;
}

}  // namespace stratoscope
