// A sweep's axis, and after a line's end the template that it fills: an axis written from its values reads the same,
// and the edits of the grid's corners are read or refused.
#include "stratoscope/probe/sweep.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

constexpr std::size_t kPositions = 5, kLong = 4096;

ModelConfig small_config() { return test::described({3, 2, 4, 16, 8, 32}); }

SweepAxis read(std::string_view text) {
  static const ModelConfig config = small_config();
  return resolve_axis(std::string(text), config, kPositions);
}

std::string written(const SweepAxis& axis) {
  std::string text = axis.name;
  for (std::size_t i = 0; i < axis.values.size(); ++i) text += (i == 0 ? "=" : ",") + axis.values[i];
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_text(data, size);
  const auto parts = fuzz::halves(input, '\n');
  const auto axis = fuzz::accepted([&] { return read(parts ? parts->first : input); });
  if (!axis) return 0;
  fuzz::require(!axis->values.empty() && axis->name != "value", "an axis has a name and values");
  if (axis->values.size() <= kLong) {
    const SweepAxis again = read(written(*axis));
    fuzz::require(again.name == axis->name && again.values == axis->values, "an axis written again reads the same");
  }
  if (!parts || axis->values.size() > kLong) return 0;
  SweepRequest request;
  request.axes = {*axis};
  const auto edit = fuzz::accepted([&] { return EditTemplate(std::string(parts->second)); });
  if (!edit) return 0;
  request.edits = {*edit};
  for (const std::size_t cell : {std::size_t{0}, axis->values.size() - 1})
    fuzz::accepted([&] { return edits_of_point(request, cell); });
  return 0;
}

}  // namespace stratoscope
