#include "apps/server/experiment_file.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "apps/server/answer.h"
#include "apps/server/fields.h"
#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "stratoscope/base/names.h"
#include "stratoscope/probe/metrics.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kModelNameBytes = 1000, kShortBytes = 100;

void check_object(const nlohmann::json& value, const char* name) {
  if (!value.is_null() && !value.is_object())
    throw Refusal(400, "experiment", std::string("'") + name + "' is no object");
}

[[noreturn]] void refuse_field(const std::string& field, const std::string& problem, const std::string& hint = {}) {
  throw Refusal(400, "experiment", "field " + in_quotes(field) + " " + problem, hint);
}

// An edit, an axis, a name: one line of UTF-8 that commands no terminal. It may end on a command line.
void check_line(const std::string& field, const std::string& text) {
  if (without_controls(text) != text) refuse_field(field, "is " + in_quotes(text) + ", which holds control characters");
}

void check_lines(const std::string& field, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) check_line(field, text);
}

void check_metric(const std::string& field, const std::string& name) {
  try {
    parse_metric(name);
  } catch (const Error& error) {
    refuse_field(field, error.problem(), error.hint());
  }
}

// NAME=VALUES, as --over takes it.
void check_axes(const std::string& field, const std::vector<std::string>& axes) {
  check_lines(field, axes);
  for (const std::string& axis : axes) {
    const auto name = std::string_view(axis).substr(0, axis.find('='));
    const auto is_part = [](char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
    if (name.size() == axis.size() || name.empty() || !std::all_of(name.begin(), name.end(), is_part))
      refuse_field(field, "holds " + in_quotes(axis) + ", which is no axis", "one is NAME=VALUES");
  }
}

// What the page was like: values of another kind would be put into its controls.
void check_state(const nlohmann::json& state) {
  check_object(state, "state");
  if (state.is_null()) return;
  for (const char* name : {"depth", "layer", "head"})
    if (state.contains(name) && !state[name].is_number_unsigned()) refuse_field(name, "is no whole number from 0 on");
  for (const char* name : {"position", "lastPosition"})  // -1: the last token
    if (state.contains(name) && (!state[name].is_number_integer() || state[name] < -1))
      refuse_field(name, "is no position");
  if (!state.contains("sweep")) return;
  check_object(state["sweep"], "state.sweep");
  const auto text_of = [&](const char* name) {
    const auto found = state["sweep"].find(name);
    if (found == state["sweep"].end()) return std::string();
    if (!found->is_string()) refuse_field(name, "is no text");
    check_line(name, found->get<std::string>());
    return found->get<std::string>();
  };
  if (const std::string metric = text_of("metric"); !metric.empty()) check_metric("metric", metric);
  for (const char* name : {"hook", "operation"}) text_of(name);
  const std::string over = text_of("over");
  if (!over.empty() && over != "layer" && over != "layer,position" && over != "layer,head" && over != "layer,factor")
    refuse_field("over", "is " + in_quotes(over), "it is layer, or layer and one of position, head and factor");
}

void check_sweep_field(const nlohmann::json& value) {
  check_object(value, "sweep");
  if (value.is_null()) return;
  Fields sweep(value.dump());
  check_lines("edits", sweep.texts("edits", kEdits, kEditBytes));
  check_axes("axes", sweep.texts("axes", kAxes, kAxisBytes));
  sweep.texts("targets", kTargets, kTextBytes);
  check_metric("metric", sweep.text("metric", kShortBytes));
  sweep.flag("whole");
  sweep.refuse_others();
}

}  // namespace

SavedExperiment read_experiment(const std::string& body) {
  if (body.size() > kExperimentBytes)
    throw Refusal(
        413, "experiment",
        "has " + std::to_string(body.size()) + " bytes, more than the limit of " + std::to_string(kExperimentBytes));
  Fields fields(body);
  if (fields.text_or("stratoscope", kShortBytes, "") != "experiment")
    throw Refusal(400, "experiment", "this is no experiment of Stratoscope",
                  R"(one begins with {"stratoscope": "experiment")");
  SavedExperiment saved;
  check_line("version", fields.text("version", kShortBytes));
  const nlohmann::json model = fields.anything("model");
  check_object(model, "model");
  if (model.is_null()) throw Refusal(400, "experiment", "'model' is missing");
  Fields model_fields(model.dump());
  saved.summary.model = model_fields.text("name", kModelNameBytes);
  check_line("name", saved.summary.model);
  saved.summary.model_hash = model_fields.text("hash", kShortBytes);
  check_line("hash", saved.summary.model_hash);
  saved.summary.text = fields.text("text", kTextBytes);
  saved.summary.note = fields.text_or("note", kNoteBytes, "");
  fields.flag("bos");
  check_lines("edits", fields.texts("edits", kEdits, kEditBytes));
  fields.optional_text("corrupt", kTextBytes);
  check_sweep_field(fields.anything("sweep"));
  check_state(fields.anything("state"));
  check_object(fields.anything("result"), "result");
  check_object(fields.anything("options"), "options");
  for (const char* name : {"command", "precision", "isa"})
    if (const auto text = fields.optional_text(name, kShortBytes)) check_line(name, *text);
  fields.optional_count("record", kShortBytes);
  fields.refuse_others();
  saved.document = body;
  return saved;
}

}  // namespace stratoscope::server
