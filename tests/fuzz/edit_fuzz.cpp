// An edit's text: an accepted one reads the same when it is written from its parts, and its names and lists resolve or
// are refused.
#include <fmt/format.h>

#include <algorithm>

#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/indices.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

std::string written(const EditExpression& edit) {
  std::string text = edit.hook;
  if (edit.positions) text += "[" + edit.positions->text() + "]";
  if (edit.heads) text += ".head[" + edit.heads->text() + "]";
  if (edit.keys) text += ".key[" + edit.keys->text() + "]";
  if (edit.dims) text += ".dim[" + edit.dims->text() + "]";
  constexpr const char* kOps[] = {" *= ", " += ", " = ", " without "};
  text += kOps[static_cast<int>(edit.op)];
  switch (edit.source) {
    case EditSource::number: return text + fmt::format("{}", edit.number);
    case EditSource::mean: return text + "mean";
    case EditSource::corrupt:
      return text + "corrupt" +
             (edit.corrupt_position ? "[" + std::to_string(edit.corrupt_position->number()) + "]" : "");
    default:
      return text + fmt::format("{} * ", edit.number) + edit.vector_file +
             (edit.vector_tensor.empty() ? "" : ":" + edit.vector_tensor);
  }
}

bool same(const EditExpression& a, const EditExpression& b) {
  return a.hook == b.hook && a.positions == b.positions && a.heads == b.heads && a.keys == b.keys && a.dims == b.dims &&
         a.op == b.op && a.source == b.source && a.number == b.number && a.corrupt_position == b.corrupt_position &&
         a.vector_file == b.vector_file && a.vector_tensor == b.vector_tensor;
}

ModelConfig small_config() { return test::described({3, 2, 4, 16, 8, 32}); }

void resolve(const EditExpression& edit) {
  static const ModelConfig config = small_config();
  constexpr std::size_t kCount = 7;
  if (const auto points = fuzz::accepted([&] { return match_hook_points(edit.hook, config); })) {
    fuzz::require(!points->empty(), "a name that is accepted means something");
    for (const HookPoint point : *points)
      fuzz::require(point.layer < config.n_layers(), "a hook point is in the model");
  }
  for (const auto& list : {edit.positions, edit.heads, edit.keys, edit.dims}) {
    if (!list) continue;
    const auto indices = fuzz::accepted([&] { return list->set_in(kCount, "index"); });
    if (!indices) continue;
    fuzz::require(!indices->empty() && indices->back() < kCount, "indices are within their range");
    fuzz::require(std::ranges::adjacent_find(*indices, std::ranges::greater_equal{}) == indices->end(),
                  "a set ascends");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const auto edit = fuzz::accepted([&] {
    try {
      return parse_edit(text);
    } catch (const GrammarError& error) {
      fuzz::require(error.column() <= size, "an error stands within the text");
      throw;
    }
  });
  if (!edit) return 0;
  fuzz::require(edit->text == text, "an edit keeps its text");
  fuzz::require(same(parse_edit(written(*edit)), *edit), "an edit written from its parts reads the same");
  resolve(*edit);
  return 0;
}

}  // namespace stratoscope
