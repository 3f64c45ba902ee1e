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

std::string written(const EditTerm& term) {
  const std::string factor = fmt::format("{} * ", term.number);
  const std::string position = term.position ? "[" + std::to_string(term.position->number()) + "]" : "";
  switch (term.source) {
    case EditSource::number: return fmt::format("{}", term.number);
    case EditSource::mean: return factor + "mean";
    case EditSource::median: return factor + "median";
    case EditSource::row_mean: return factor + "mean(dim)";
    case EditSource::row_median: return factor + "median(dim)";
    case EditSource::clean: return factor + "clean" + position;
    case EditSource::corrupt: return factor + "corrupt" + position;
    case EditSource::noise: return factor + fmt::format("noise({}, {})", term.deviation, term.seed);
    default: return factor + term.vector_file + (term.vector_tensor.empty() ? "" : ":" + term.vector_tensor);
  }
}

std::string written(const EditExpression& edit) {
  std::string text = edit.hook;
  if (edit.positions) text += "[" + edit.positions->text() + "]";
  if (edit.heads) text += ".head[" + edit.heads->text() + "]";
  if (edit.keys) text += ".key[" + edit.keys->text() + "]";
  if (edit.dims) text += ".dim[" + edit.dims->text() + "]";
  if (edit.by_value) {
    constexpr const char* kKinds[] = {".top[", ".bottom[", ".random["};
    text += kKinds[static_cast<int>(edit.by_value->kind)] + fmt::format("{}", edit.by_value->amount);
    text += edit.by_value->percent ? "%" : "";
    if (edit.by_value->kind == ValueSelector::Kind::random) text += fmt::format(", seed={}", edit.by_value->seed);
    text += "]";
  }
  constexpr const char* kOps[] = {" *= ", " += ", " = ", " without "};
  text += kOps[static_cast<int>(edit.op)];
  for (const EditTerm& term : edit.terms) text += (&term == edit.terms.data() ? "" : " + ") + written(term);
  return text;
}

bool same(const EditExpression& a, const EditExpression& b) {
  return a.hook == b.hook && a.positions == b.positions && a.heads == b.heads && a.keys == b.keys && a.dims == b.dims &&
         a.by_value == b.by_value && a.op == b.op && a.terms == b.terms;
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
    const IndexList numbers = list->with_texts([](const std::string&) { return std::vector<std::size_t>{1}; });
    const auto indices = fuzz::accepted([&] { return numbers.set_in(kCount, "index"); });
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
