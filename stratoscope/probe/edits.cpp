#include "stratoscope/probe/edits.h"

#include <algorithm>
#include <string>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/probe/edit_operands.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/probe/text_selectors.h"
#include "stratoscope/probe/value_edit.h"

namespace stratoscope {
namespace {

void check_axes(const HookExpression& expression, HookPoint point, const ModelConfig& config) {
  const bool has_heads = has_axis(point, HookAxis::head, config), has_keys = has_axis(point, HookAxis::key, config);
  const auto refuse = [&](const std::string& selector) {
    throw Error("edit", name_of(point) + " has no axis for the selector " + selector,
                has_keys    ? "it is [head, pos, key]"
                : has_heads ? "it is [pos, head, d]"
                            : "it is [pos, d]");
  };
  if (expression.heads && !has_heads) refuse(".head[…]");
  if (expression.keys && !has_keys) refuse(".key[…]");
  if (expression.dims && has_keys) refuse(".dim[…]");
  if (expression.dims && expression.dims->has_texts() && !has_axis(point, HookAxis::d_vocab, config))
    refuse(".dim[" + expression.dims->text() + "]: tokens are numbers of unembed.hook_out");
  if (expression.by_value && has_keys)
    throw Error("edit", name_of(point) + " takes no .top, .bottom or .random: its rows see different keys",
                "select keys with .key[…]");
}

}  // namespace

void check_edit_of_point(const EditExpression& expression, HookPoint point, const ModelConfig& config) {
  check_axes(expression, point, config);
  if (!info_of(point.hook).has_axis(HookAxis::key)) return;
  for (const auto& [source, name] :
       {std::pair(EditSource::mean, "mean"), std::pair(EditSource::median, "median"),
        std::pair(EditSource::row_mean, "mean(dim)"), std::pair(EditSource::row_median, "median(dim)")})
    if (expression.reads(source))
      throw Error("edit", name_of(point) + " takes no " + name + ": its rows see different keys",
                  "a number, zero or corrupt");
}

namespace {

void check_lengths(const EditExpression& expression, const EditSources& sources, const std::vector<HookPoint>& points) {
  if (!expression.reads(EditSource::corrupt) || sources.corrupt_positions() == sources.text_positions()) return;
  const bool has_keys = std::any_of(points.begin(), points.end(),
                                    [](HookPoint point) { return info_of(point.hook).has_axis(HookAxis::key); });
  const bool names_positions = std::all_of(expression.terms.begin(), expression.terms.end(), [](const EditTerm& term) {
    return term.source != EditSource::corrupt || term.position;
  });
  if (names_positions && !has_keys) return;
  throw LengthMismatch("edit",
                       "the text has " + std::to_string(sources.text_positions()) + " tokens, the text of --corrupt " +
                           std::to_string(sources.corrupt_positions()),
                       has_keys ? "scores and patterns need the same number"
                                : "both need the same number, or name one position: corrupt[-1]");
}

// Positions from `extent.from` on, each judged when it was the last one.
std::vector<std::size_t> new_positions_of(const std::optional<IndexList>& list, const TextExtent& extent) {
  std::vector<std::size_t> positions;
  for (std::size_t p = extent.from; p < extent.most; ++p) {
    const auto set = list ? list->set_in(p + 1, extent.most, "position") : std::vector<std::size_t>{p};
    if (std::binary_search(set.begin(), set.end(), p)) positions.push_back(p);
  }
  return positions;
}

std::optional<std::vector<std::size_t>> positions_of(const EditExpression& expression, const TextExtent& extent) {
  if (extent.from > 0) return new_positions_of(expression.positions, extent);
  if (!expression.positions) return std::nullopt;
  return expression.positions->set_in(extent.now, extent.most, "position");
}

void check_amount(const ValueSelector& by_value, std::size_t count) {
  if (by_value.among(count) > count)
    throw Error("edit",
                std::to_string(by_value.among(count)) + " numbers are to be chosen from " + std::to_string(count));
}

Chosen indices_of(const EditExpression& expression, const HookMatch& match, const TextExtent& extent,
                  const ValueAxes& axes) {
  Chosen chosen;
  chosen[axes.pos] = positions_of(expression, extent);
  if (expression.heads) chosen[axes.head] = expression.heads->set_in(axes.heads, "head");
  if (match.heads) chosen[axes.head] = match.heads;
  if (expression.keys) {
    if (extent.from > 0 && expression.keys->counts_from_the_end())
      throw Error("edit", "keys counted from the end cannot be edited in new tokens alone", "count them from 0");
    chosen[2] = expression.keys->set_in(extent.now, extent.most, "key position");
  }
  if (expression.dims) chosen[2] = expression.dims->set_in(axes.last, "dimension");
  if (expression.by_value) check_amount(*expression.by_value, chosen[2] ? chosen[2]->size() : axes.last);
  return chosen;
}

// An index out of range is an error of the edit.
Chosen chosen_by(const EditExpression& expression, const HookMatch& match, const TextExtent& extent,
                 const ValueAxes& axes) {
  try {
    return indices_of(expression, match, extent, axes);
  } catch (const Error& error) {
    throw EditError(error.where(), error.problem(), error.hint());
  }
}

HookMatch matched(const EditExpression& expression, const ModelConfig& config) {
  HookMatch match = match_hook(expression.hook, config);
  if (match.heads && expression.heads)
    throw Error("edit", in_quotes(expression.hook) + " names heads, and .head[…] others", "leave out one of them");
  return match;
}

// An operand of one row per position, or of one number per key, has no values for rows after the text.
void keep_below(std::size_t count, std::optional<std::vector<std::size_t>>& chosen) {
  if (!chosen) chosen = parse_index_set("all", count, "position");
  std::erase_if(*chosen, [&](std::size_t index) { return index >= count; });
}

}  // namespace

namespace {

// An index out of range or a text without an occurrence is an error of the edit.
EditExpression indexed(const EditExpression& expression, const EditSources& sources) {
  try {
    return with_indices(expression, sources.text(), sources.tokenizer());
  } catch (const Error& error) {
    throw EditError(error.where(), error.problem(), error.hint());
  }
}

// Calls use(place, expression with indices) for every hook point of the expression.
template <class Use>
void for_points(const EditExpression& written, const EditSources& sources, const Use& use) {
  const ModelConfig& config = sources.model().config();
  const HookMatch match = matched(written, config);
  check_lengths(written, sources, match.points);
  for (const HookPoint point : match.points) check_edit_of_point(written, point, config);
  const EditExpression expression = indexed(written, sources);
  for (const HookPoint point : match.points) {
    const ValueAxes axes(point, config, sources.text_positions());
    use(EditPlace{point, axes, chosen_by(expression, match, sources.extent(), axes)}, expression);
  }
}

}  // namespace

void check_edit_of_text(const EditExpression& written, const EditSources& sources) {
  for_points(written, sources, [&](const EditPlace&, const EditExpression& expression) {
    for (const EditTerm& term : expression.terms)
      if (term.position) static_cast<void>(term.position->in(sources.positions_of(term.source), "position"));
  });
}

namespace {

// The same with the rows and numbers alone that the operand has values for.
template <class Use>
void for_places(const EditExpression& written, const EditSources& sources, const Use& use) {
  for_points(written, sources, [&](EditPlace place, const EditExpression& expression) {
    std::optional<std::vector<std::size_t>>& positions = place.chosen[place.axes.pos];
    if (reads_rows(expression, sources, place)) keep_below(sources.text_positions(), positions);
    if (positions && positions->empty())
      throw Error("edit", in_quotes(expression.text) + " acts on no position",
                  sources.extent().from > 0 ? "it may act on new tokens only" : "");
    use(place, expression);
  });
}

}  // namespace

std::vector<HookEdit> resolve_edit(const EditExpression& written, const EditSources& sources, std::size_t sequence) {
  std::vector<HookEdit> edits;
  for_places(written, sources, [&](EditPlace& place, const EditExpression& expression) {
    ValueChange change = change_of(expression, sources, place);
    auto positions = place.positions();
    edits.push_back({place.point, sequence,
                     std::make_shared<ValueEdit>(place.point, std::move(change), std::move(place.chosen)),
                     std::move(positions)});
  });
  return edits;
}

std::vector<HookEdit> place_edit(const EditExpression& written, const EditSources& sources, std::size_t sequence) {
  std::vector<HookEdit> edits;
  for_places(written, sources, [&](EditPlace& place, const EditExpression& expression) {
    check_operands(expression, sources, place);
    edits.push_back({place.point, sequence, nullptr, std::move(place.chosen[place.axes.pos])});
  });
  return edits;
}

void check_corrupt_is_read(std::span<const EditExpression> expressions, bool given) {
  const bool read = std::any_of(expressions.begin(), expressions.end(),
                                [](const EditExpression& expression) { return expression.reads(EditSource::corrupt); });
  if (given && !read)
    throw Error("edit", "a text for 'corrupt' is given, but no edit reads it",
                "write --edit \"HOOK = corrupt\", or leave out --corrupt");
}

std::vector<GlobMatch> globs_of(std::span<const EditExpression> edits, const ModelConfig& config) {
  std::vector<GlobMatch> globs;
  for (const EditExpression& edit : edits)
    if (HookMatch match = match_hook(edit.hook, config); match.is_glob)
      globs.push_back({edit.text, std::move(match.points)});
  return globs;
}

bool cancelled_by_final_norm(const EditExpression& expression, const ModelConfig& config) {
  const auto points = match_hook_points(expression.hook, config);
  return points.size() == 1 && points[0] == HookPoint{Hook::resid_post, config.n_layers() - 1} &&
         expression.op == EditOp::multiply && expression.terms.size() == 1 &&
         expression.terms[0].source == EditSource::number && expression.terms[0].number > 0 && !expression.dims &&
         !expression.by_value;
}

}  // namespace stratoscope
