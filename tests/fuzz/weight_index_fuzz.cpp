// model.safetensors.index.json beside two files of weights: the checkpoint opens or is refused.
#include "stratoscope/hub/checkpoint.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

constexpr test::Sizes kSizes{1, 1, 2, 2, 2, 2};

// The tensors of a tiny model in part-1 and part-2, alternating.
ModelConfig write_parts() {
  test::TestTensors parts[2];
  std::size_t i = 0;
  for (auto& [name, tensor] : test::random_tensors(kSizes)) parts[i++ % 2][name] = tensor;
  test::write_tensors(fuzz::folder() / "part-1.safetensors", parts[0]);
  test::write_tensors(fuzz::folder() / "part-2.safetensors", parts[1]);
  return parse_model_config(test::config_of(kSizes).dump(), "config.json");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ModelConfig config = write_parts();
  fuzz::folder().file("model.safetensors.index.json", fuzz::as_text(data, size));
  const auto whole = fuzz::accepted([&] {
    const Checkpoint checkpoint(fuzz::folder().path(), config);
    return checkpoint.parameters();
  });
  if (whole) fuzz::require(*whole == 56, "a checkpoint that opens is whole");
  return 0;
}

}  // namespace stratoscope
