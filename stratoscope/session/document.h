// Results as text: one JSON document for programs, and an effect in words.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "stratoscope/base/api.h"
#include "stratoscope/session/session.h"

namespace STRATOSCOPE_API stratoscope {

// A result as one JSON document in UTF-8, indented by two. Each result's to_json() begins with the common keys:
// {"version", "model": {"name", "hash"}, "precision", "isa"}, "effect": {"kl", "max_change"} if there were edits (with
// "nonfinite": {"hook_point", "text", "position"} if they made a number that is not finite), "globs": [{"expression",
// "hook_points"}] if an edit or a capture can match several hook points, and "notes" if a text was changed when it was
// read. Numbers that are not finite are null.
class Document {
 public:
  struct Data;  // the JSON, for the code that makes documents: session/json_document.h

  Document() = default;  // an empty document: null
  explicit Document(std::shared_ptr<Data> data) : data_(std::move(data)) {}

  std::string text() const;
  // False if a number is not finite.
  bool all_finite() const;
  const std::shared_ptr<Data>& data() const { return data_; }

 private:
  std::shared_ptr<Data> data_;
};

// An event of a run that shows results as they are computed: its name, and its data as a document.
using EmitEvent = std::function<void(const std::string& event, const Document& data)>;

// One line of text: "effect of the edits: KL 0.0123 nats, largest change of a logit 1.5".
std::string describe(const Effect& effect);
// "'blocks.[8,9].hook_mlp_out *= 0' means 2 hook points: blocks.8.hook_mlp_out, blocks.9.hook_mlp_out".
std::string describe(const GlobMatch& glob);

}  // namespace stratoscope
