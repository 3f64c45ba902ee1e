#include "stratoscope/probe/sweep_grid.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/indices.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMostPoints = 1'000'000;

std::vector<std::string> as_texts(const std::vector<std::size_t>& indices) {
  std::vector<std::string> texts;
  texts.reserve(indices.size());
  for (const std::size_t index : indices) texts.push_back(std::to_string(index));
  return texts;
}

// "3..5" to 3, 4, 5; anything else stays as it is.
void append_values(std::string_view piece, std::vector<std::string>& values) {
  const auto dots = piece.find("..");
  long first = 0, last = 0;
  const auto reads = [](std::string_view text, long& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
  };
  if (dots == std::string_view::npos || !reads(piece.substr(0, dots), first) || !reads(piece.substr(dots + 2), last)) {
    values.emplace_back(piece);
    return;
  }
  // Unsigned: the difference of two longs need not fit into one.
  const std::size_t steps = static_cast<std::size_t>(last) - static_cast<std::size_t>(first);
  if (first > last || steps >= kMostPoints)
    throw Error("sweep", "the range " + in_quotes(piece) + " is empty or too long");
  for (std::size_t i = 0; i <= steps; ++i) values.push_back(std::to_string(first + static_cast<long>(i)));
}

bool is_axis_name(std::string_view name) {
  constexpr std::size_t kLongest = 80;
  return !name.empty() && name.size() <= kLongest &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

// The text with every {name} replaced; names that occur are added to `used`.
std::string filled(const std::string& text, const std::map<std::string, std::string>& values,
                   std::set<std::string>& used) {
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t open = text.find('{', begin);
    result += text.substr(begin, open - begin);
    if (open == std::string::npos) break;
    const std::size_t close = text.find('}', open);
    if (close == std::string::npos) throw GrammarError("edit", text, open, "this brace is not closed");
    const std::string name = text.substr(open + 1, close - open - 1);
    if (!is_axis_name(name))
      throw GrammarError("edit", text, open, in_quotes("{" + name + "}") + " is not a placeholder",
                         "write the name of an axis in the braces");
    const auto value = values.find(name);
    if (value == values.end())
      throw GrammarError("edit", text, open, "the placeholder {" + name + "} has no axis", "add --over " + name + "=…");
    used.insert(name);
    result += value->second;
    begin = close + 1;
  }
  return result;
}

// The number of heads that every hook point of an edit with {head} has; invalid edits are reported later.
std::size_t heads_of_axis(std::span<const std::string> edits, const ModelConfig& config) {
  std::size_t heads = config.n_heads();
  for (std::string edit : edits) {
    if (edit.find("{head}") == std::string::npos) continue;
    for (std::size_t open = edit.find('{'); open != std::string::npos; open = edit.find('{', open))
      edit.replace(open, std::min(edit.find('}', open), edit.size() - 1) - open + 1, "0");
    try {
      const HookMatch match = match_hook(parse_edit(edit).hook, config);
      if (match.heads) continue;  // L5H3.v: the key-value head of head 3
      for (const HookPoint point : match.points) heads = std::min(heads, heads_of(point, config));
    } catch (const Error&) {  // reported when the edit is parsed
    }
  }
  return heads;
}

}  // namespace

SweepAxis parse_axis(std::string_view text, const ModelConfig& config, std::size_t positions,
                     std::span<const std::string> edits) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos)
    throw Error("sweep", in_quotes(text) + " is not an axis", "an axis reads like layer=all or factor=0,0.5,1");
  SweepAxis axis{std::string(text.substr(0, equals)), {}};
  const std::string_view list = text.substr(equals + 1);
  if (!is_axis_name(axis.name))
    throw Error("sweep", in_quotes(axis.name) + " is not a valid name of an axis",
                "use up to 80 letters, digits and _");
  for (const char* taken : {"value", "clean", "kl", "max_change", "prompt"})
    if (axis.name == taken)
      throw Error("sweep", "an axis may not be called " + in_quotes(taken) + ": results use that name");
  if (axis.name == "layer") {
    axis.values = as_texts(parse_indices(list, config.n_layers(), "layer"));
  } else if (axis.name == "position" || axis.name == "key") {
    axis.values = as_texts(parse_index_set(list, positions, axis.name));
  } else if (axis.name == "head") {
    axis.values = as_texts(parse_indices(list, heads_of_axis(edits, config), "head"));
  } else if (axis.name == "dim" && list == "all") {
    throw Error("sweep", "dim=all would be one grid point", "write the range: dim=0..9");
  } else {
    for (const std::string_view piece : split_list(list)) {
      if (piece.empty()) throw Error("sweep", "the axis " + axis.name + " has an empty value");
      append_values(piece, axis.values);
      if (axis.values.size() > kMostPoints)
        throw Error("sweep", "the axis " + axis.name + " has more than " + std::to_string(kMostPoints) + " values");
    }
  }
  return axis;
}

SweepGrid::SweepGrid(std::span<const std::string> edits, std::span<const SweepAxis> axes)
    : edits_(edits.begin(), edits.end()), axes_(axes.begin(), axes.end()) {
  std::set<std::string> names;
  for (const SweepAxis& axis : axes_) {
    if (axis.values.empty()) throw Error("sweep", "the axis " + axis.name + " is empty");
    if (!names.insert(axis.name).second) throw Error("sweep", "the axis " + axis.name + " is given twice");
    if (__builtin_mul_overflow(points_, axis.values.size(), &points_) || points_ > kMostPoints)
      throw Error("sweep", "the grid has more than " + std::to_string(kMostPoints) + " points");
  }
  std::set<std::string> used;
  fill(0, used);
  for (const std::string& name : names)
    if (!used.contains(name))
      throw Error("sweep", "no edit uses the axis " + name, "write {" + name + "} where its values belong");
}

std::vector<EditExpression> SweepGrid::edits_at(std::size_t point) const {
  std::set<std::string> used;
  return fill(point, used);
}

std::vector<EditExpression> SweepGrid::edits_that_read_other_runs() const {
  std::vector<EditExpression> edits;
  // Most grids have no such source, and then not every point is parsed. A source may come from an axis.
  const auto names_a_run = [](const std::string& text) {
    return text.find("mean") != std::string::npos || text.find("corrupt") != std::string::npos;
  };
  if (std::none_of(edits_.begin(), edits_.end(), names_a_run) &&
      std::none_of(axes_.begin(), axes_.end(), [&](const SweepAxis& axis) {
        return std::any_of(axis.values.begin(), axis.values.end(), names_a_run);
      }))
    return edits;
  std::set<std::string> seen;  // hooks: each hook point is read once for all its edits
  for (std::size_t point = 0; point < points_; ++point)
    for (EditExpression& edit : edits_at(point))
      if ((edit.source == EditSource::mean || edit.source == EditSource::corrupt) &&
          seen.insert(edit.hook + (edit.source == EditSource::mean ? "=mean" : "=corrupt")).second)
        edits.push_back(std::move(edit));
  return edits;
}

std::vector<EditExpression> SweepGrid::fill(std::size_t point, std::set<std::string>& used) const {
  std::map<std::string, std::string> values;
  for (std::size_t a = axes_.size(); a-- > 0;) {
    const SweepAxis& axis = axes_[a];
    values[axis.name] = axis.values[point % axis.values.size()];
    point /= axis.values.size();
  }
  std::vector<EditExpression> edits;
  for (const std::string& text : edits_) edits.push_back(parse_edit(filled(text, values, used)));
  return edits;
}

}  // namespace stratoscope
