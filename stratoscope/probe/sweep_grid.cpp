#include "stratoscope/probe/sweep_grid.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

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

// The number of heads of every hook point whose edit has {head}; edits that cannot be read are errors later.
std::size_t heads_of_axis(std::span<const EditTemplate> edits, const ModelConfig& config) {
  std::size_t heads = config.n_heads();
  for (const EditTemplate& edit : edits) {
    if (!edit.uses("head")) continue;
    try {
      const HookMatch match = match_hook(edit.filled_with("0").hook, config);
      if (match.heads) continue;  // L5H3.v: the head of keys that head 3 reads
      for (const HookPoint point : match.points) heads = std::min(heads, heads_of(point, config));
    } catch (const Error&) {  // reported when the edit is parsed
    }
  }
  return heads;
}

}  // namespace

EditTemplate::EditTemplate(const std::string& text) : text_(text) {
  for (std::size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open)) {
    const std::size_t close = text.find('}', open);
    if (close == std::string::npos) throw GrammarError("edit", text, open, "this brace is not closed");
    placeholders_.push_back({AxisArithmetic(text, open, close), open, close + 1});
    open = close + 1;
  }
  if (placeholders_.empty()) static_cast<void>(parse_edit(text));
}

bool EditTemplate::uses(std::string_view name) const {
  return std::any_of(placeholders_.begin(), placeholders_.end(), [&](const Placeholder& placeholder) {
    const auto& names = placeholder.arithmetic.names();
    return std::find(names.begin(), names.end(), name) != names.end();
  });
}

std::vector<std::string> EditTemplate::names_in_value() const {
  // An operator in a placeholder leaves none in the text: then every placeholder may belong to the value.
  const std::size_t op = std::min(text_.find('='), text_.find(" without "));
  std::vector<std::string> names;
  for (const Placeholder& placeholder : placeholders_) {
    if (op != std::string::npos && placeholder.begin <= op) continue;
    for (const std::string& name : placeholder.arithmetic.names())
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

EditExpression EditTemplate::filled(const Values& values) const {
  std::string text;
  std::size_t begin = 0;
  for (const Placeholder& placeholder : placeholders_) {
    text += text_.substr(begin, placeholder.begin - begin) + placeholder.arithmetic.filled(text_, values);
    begin = placeholder.end;
  }
  return parse_edit(text + text_.substr(begin));
}

EditExpression EditTemplate::filled_with(const std::string& value) const {
  Values values;
  for (const Placeholder& placeholder : placeholders_)
    for (const std::string& name : placeholder.arithmetic.names()) values[name] = value;
  return filled(values);
}

AxisExpression::AxisExpression(const std::string& written) : text(written) {
  const auto equals = text.find('=');
  if (equals == std::string::npos)
    throw Error("sweep", in_quotes(text) + " is not an axis", "an axis reads like layer=all or factor=0,0.5,1");
  name = text.substr(0, equals);
  list = text.substr(equals + 1);
  if (!is_axis_name(name))
    throw Error("sweep", in_quotes(name) + " is not a valid name of an axis", "use up to 80 letters, digits and _");
  for (const char* taken : {"value", "clean", "kl", "max_change", "prompt"})
    if (name == taken)
      throw Error("sweep", "an axis may not be called " + in_quotes(taken) + ": results use that name");
}

SweepAxis resolve_axis(const AxisExpression& expression, const ModelConfig& config, std::size_t positions,
                       std::span<const EditTemplate> edits) {
  SweepAxis axis{expression.name, {}};
  const std::string& list = expression.list;
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

SweepGrid::SweepGrid(std::span<const EditTemplate> edits, std::span<const SweepAxis> axes)
    : edits_(edits.begin(), edits.end()), axes_(axes.begin(), axes.end()) {
  std::set<std::string> names;
  for (const SweepAxis& axis : axes_) {
    if (axis.values.empty()) throw Error("sweep", "the axis " + axis.name + " is empty");
    if (!names.insert(axis.name).second) throw Error("sweep", "the axis " + axis.name + " is given twice");
    if (__builtin_mul_overflow(points_, axis.values.size(), &points_) || points_ > kMostPoints)
      throw Error("sweep", "the grid has more than " + std::to_string(kMostPoints) + " points");
  }
  for (const EditTemplate& edit : edits_) find_sources(edit);
  for (const std::string& name : names)
    if (std::none_of(edits_.begin(), edits_.end(), [&](const EditTemplate& edit) { return edit.uses(name); }))
      throw Error("sweep", "no edit uses the axis " + name, "write {" + name + "} where its values belong");
}

// Over the axes of its value alone: most values have none, or one.
void SweepGrid::find_sources(const EditTemplate& edit) {
  EditTemplate::Values values = values_at(0);
  std::vector<const SweepAxis*> varied;
  std::size_t combinations = 1;
  for (const std::string& name : edit.names_in_value())
    for (const SweepAxis& axis : axes_)
      if (axis.name == name) {
        varied.push_back(&axis);
        combinations *= axis.values.size();
      }
  for (std::size_t combination = 0; combination < combinations; ++combination) {
    std::size_t rest = combination;
    for (const SweepAxis* axis : varied) {
      values[axis->name] = axis->values[rest % axis->values.size()];
      rest /= axis->values.size();
    }
    for (const EditTerm& term : edit.filled(values).terms) sources_.insert(term.source);
  }
}

std::vector<EditExpression> SweepGrid::edits_at(std::size_t point) const {
  const EditTemplate::Values values = values_at(point);
  std::vector<EditExpression> edits;
  for (const EditTemplate& edit : edits_) edits.push_back(edit.filled(values));
  return edits;
}

std::vector<EditExpression> SweepGrid::edits_that_read_other_runs() const {
  std::vector<EditExpression> edits;
  if (std::none_of(sources_.begin(), sources_.end(), [](EditSource source) { return reads_other_run(source); }))
    return edits;
  // A hook point is read once in each form, whatever is done with its value.
  std::set<std::pair<std::string, std::set<EditSource>>> seen;
  for (std::size_t point = 0; point < points_; ++point)
    for (EditExpression& edit : edits_at(point)) {
      std::set<EditSource> sources;
      for (const EditTerm& term : edit.terms)
        if (reads_other_run(term.source)) sources.insert(term.source);
      if (!sources.empty() && seen.emplace(edit.hook, sources).second) edits.push_back(std::move(edit));
    }
  return edits;
}

EditTemplate::Values SweepGrid::values_at(std::size_t point) const {
  EditTemplate::Values values;
  for (std::size_t a = axes_.size(); a-- > 0;) {
    const SweepAxis& axis = axes_[a];
    values[axis.name] = axis.values[point % axis.values.size()];
    point /= axis.values.size();
  }
  return values;
}

}  // namespace stratoscope
