// A capture's text: accepted texts give captures within the model and the texts, or are refused.
#include <algorithm>
#include <array>

#include "stratoscope/probe/captures.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

constexpr std::array<std::size_t, 3> kRowOffsets = {0, 5, 9};  // two texts, of five tokens and of four

ModelConfig small_config() { return test::described({3, 2, 4, 16, 8, 32}); }

void require_set(const std::optional<std::vector<std::size_t>>& chosen, std::size_t count) {
  if (!chosen) return;
  fuzz::require(!chosen->empty() && chosen->back() < count, "what is chosen is within its range");
  fuzz::require(std::ranges::adjacent_find(*chosen, std::ranges::greater_equal{}) == chosen->end(), "a set ascends");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ModelConfig config = small_config();
  const std::string_view input = fuzz::as_text(data, size);
  std::vector<std::string> expressions;
  for (std::size_t begin = 0; begin <= input.size() && expressions.size() < 4;) {
    const std::size_t end = std::min(input.find('\n', begin), input.size());
    expressions.emplace_back(input.substr(begin, end - begin));
    begin = end + 1;
  }
  const auto list = fuzz::accepted(
      [&] { return CaptureList(std::vector<HookExpression>(expressions.begin(), expressions.end()), config); });
  if (!list) return 0;
  const auto captures = fuzz::accepted([&] { return list->of_texts(kRowOffsets); });
  if (!captures) return 0;
  fuzz::require(!captures->empty(), "a capture that is accepted means something");
  static const std::vector<HookPoint> points = all_hook_points(config);
  auto next = points.begin();
  for (const Capture& capture : *captures) {
    next = std::find(next, points.end(), capture.at);
    fuzz::require(next != points.end(), "captures are of the model's hook points in firing order, each once");
    ++next;
    require_set(capture.rows, kRowOffsets.back());
    require_set(capture.heads, config.n_heads());
  }
  return 0;
}

}  // namespace stratoscope
