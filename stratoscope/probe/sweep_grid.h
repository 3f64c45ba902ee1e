// The grid of a sweep: templates of edits with placeholders, and an axis for each placeholder.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/families/model_config.h"
#include "stratoscope/probe/axis_arithmetic.h"
#include "stratoscope/probe/edit_grammar.h"

namespace STRATOSCOPE_API stratoscope {

// An edit with placeholders, the names of axes or arithmetic on them: "blocks.{layer+1}.hook_mlp_out *= {1-factor}".
class EditTemplate {
 public:
  // Throws GrammarError for a brace that is not closed or is no placeholder, and for a text without placeholders that
  // is not an edit.
  EditTemplate(const std::string& text);  // NOLINT(google-explicit-constructor): as written
  EditTemplate(const char* text) : EditTemplate(std::string(text)) {}  // NOLINT(google-explicit-constructor)

  using Values = std::map<std::string, std::string, std::less<>>;  // of placeholders, by their names

  const std::string& text() const { return text_; }
  bool uses(std::string_view name) const;
  // The names of the axes in the edit's value, on which its sources depend.
  std::vector<std::string> names_in_value() const;
  // Throws GrammarError for a placeholder without a value or with one that is not a number where arithmetic needs it,
  // and for a result that is not an edit.
  EditExpression filled(const Values& values) const;
  // With the same text in every placeholder.
  EditExpression filled_with(const std::string& value) const;

  bool operator==(const EditTemplate& other) const { return text_ == other.text_; }

 private:
  struct Placeholder {
    AxisArithmetic arithmetic;
    std::size_t begin, end;  // in the text, braces included
  };

  std::string text_;
  std::vector<Placeholder> placeholders_;
};

// An axis as a user writes it: "layer=all", "position=0:3,-1", "factor=0,0.5,1", "dim=0..11".
struct AxisExpression {
  // Throws Error for a text that is not an axis, and for an invalid name (letters, digits, '_'; not the names of
  // results: value, clean, kl, max_change, prompt).
  AxisExpression(const std::string& written);                                    // NOLINT(google-explicit-constructor)
  AxisExpression(const char* written) : AxisExpression(std::string(written)) {}  // NOLINT(google-explicit-constructor)

  std::string text, name, list;
};

struct SweepAxis {
  std::string name = {};
  std::vector<std::string> values = {};  // of the placeholder {name}, as text
};

// layer, position and head are index lists of this model and text; for other names the values are the pieces between
// the commas, with whole-number ranges a..b written out. Heads are those of the hook points whose edits use the axis: a
// model may have fewer heads of keys and values. "key" is an index list of positions. Throws Error for an empty list
// and an index out of range.
SweepAxis resolve_axis(const AxisExpression& axis, const ModelConfig& config, std::size_t positions,
                       std::span<const EditTemplate> edits = {});

class SweepGrid {
 public:
  // Throws Error for a placeholder without axis, an axis that no template uses, and more points than a million.
  SweepGrid(std::span<const EditTemplate> edits, std::span<const SweepAxis> axes);

  // Row-major over the axes, the last one fastest.
  std::size_t points() const { return points_; }
  // The edits of a grid point, with placeholders replaced.
  std::vector<EditExpression> edits_at(std::size_t point) const;
  // Whether an edit at some point has a term of this source.
  bool has(EditSource source) const { return sources_.contains(source); }
  // One edit for each hook and set of sources, over all points.
  std::vector<EditExpression> edits_that_read_other_runs() const;

 private:
  EditTemplate::Values values_at(std::size_t point) const;
  void find_sources(const EditTemplate& edit);

  std::vector<EditTemplate> edits_;
  std::vector<SweepAxis> axes_;
  std::size_t points_ = 1;
  std::set<EditSource> sources_;
};

}  // namespace stratoscope
