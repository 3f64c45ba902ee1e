// Results as text: one JSON document for machines, and what people read of an effect.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "stratoscope/base/api.h"
#include "stratoscope/session/session.h"

namespace STRATOSCOPE_API stratoscope {

// A result as one JSON document in UTF-8, indented by two. Each result's to_json() begins with what it was made with:
// {"version", "model": {"name", "hash"}, "precision", "isa"}, "effect": {"kl", "max_change"} where edits were made
// (with "nonfinite": {"hook_point", "text", "position"} where they made a number that is not finite), "globs":
// [{"expression", "hook_points"}] where an edit or a capture may mean several hook points, and "notes" where a text was
// changed on its way in. Numbers that are not finite are null.
class Document {
 public:
  struct Data;  // the JSON, for those who make documents: session/json_document.h

  Document() = default;  // of nothing: null
  explicit Document(std::shared_ptr<Data> data) : data_(std::move(data)) {}

  std::string text() const;
  // False where a number is not finite.
  bool all_finite() const;
  const std::shared_ptr<Data>& data() const { return data_; }

 private:
  std::shared_ptr<Data> data_;
};

// An event of a run that shows results as they come: its name, and its data as a document.
using EmitEvent = std::function<void(const std::string& event, const Document& data)>;

// One line for people: "effect of the edits: KL 0.0123 nats, largest change of a logit 1.5".
std::string describe(const Effect& effect);
// "'blocks.[8,9].hook_mlp_out *= 0' means 2 hook points: blocks.8.hook_mlp_out, blocks.9.hook_mlp_out".
std::string describe(const GlobMatch& glob);

}  // namespace stratoscope
