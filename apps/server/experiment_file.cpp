#include "apps/server/experiment_file.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "apps/server/fields.h"
#include "apps/server/http_error.h"
#include "apps/server/job_result.h"
#include "apps/server/limits.h"
#include "stratoscope/base/names.h"
#include "stratoscope/probe/metrics.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kModelNameBytes = 1000, kShortBytes = 100;

void check_object(const nlohmann::json& value, const char* name) {
  if (!value.is_null() && !value.is_object())
    throw HttpError(400, "experiment", std::string("'") + name + "' is not an object");
}

[[noreturn]] void reject_field(const std::string& field, const std::string& problem, const std::string& hint = {}) {
  throw HttpError(400, "experiment", "field " + in_quotes(field) + " " + problem, hint);
}

// An edit, an axis or a name must be one line without control characters, since it may be printed or pasted in a shell.
void check_line(const std::string& field, const std::string& text) {
  if (without_controls(text) != text) reject_field(field, "is " + in_quotes(text) + ", which has control characters");
}

void check_lines(const std::string& field, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) check_line(field, text);
}

void check_metric(const std::string& field, const std::string& name) {
  try {
    static_cast<void>(parse_choice<Metric>(name, "metric"));
  } catch (const Error& error) {
    reject_field(field, error.problem(), error.hint());
  }
}

// NAME=VALUES, as --over takes it.
void check_axes(const std::string& field, const std::vector<std::string>& axes) {
  check_lines(field, axes);
  for (const std::string& axis : axes) {
    const auto name = std::string_view(axis).substr(0, axis.find('='));
    const auto is_part = [](char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
    if (name.size() == axis.size() || name.empty() || !std::all_of(name.begin(), name.end(), is_part))
      reject_field(field, "has " + in_quotes(axis) + ", which is not an axis", "the format is NAME=VALUES");
  }
}

// The state of the page's controls.
void check_state(const nlohmann::json& state) {
  check_object(state, "state");
  if (state.is_null()) return;
  for (const char* name : {"depth", "layer", "head"})
    if (state.contains(name) && !state[name].is_number_unsigned()) reject_field(name, "is not a non-negative integer");
  for (const char* name : {"position", "lastPosition"})  // -1: the last token
    if (state.contains(name) && (!state[name].is_number_integer() || state[name] < -1))
      reject_field(name, "is not a position");
  if (!state.contains("sweep")) return;
  check_object(state["sweep"], "state.sweep");
  const auto text_of = [&](const char* name) {
    const auto found = state["sweep"].find(name);
    if (found == state["sweep"].end()) return std::string();
    if (!found->is_string()) reject_field(name, "is not a string");
    check_line(name, found->get<std::string>());
    return found->get<std::string>();
  };
  if (const std::string metric = text_of("metric"); !metric.empty()) check_metric("metric", metric);
  for (const char* name : {"hook", "operation"}) text_of(name);
  const std::string over = text_of("over");
  if (!over.empty() && over != "layer" && over != "layer,position" && over != "layer,head" && over != "layer,factor")
    reject_field("over", "is " + in_quotes(over), "one of layer; layer,position; layer,head; layer,factor");
}

void check_sweep_field(const nlohmann::json& value) {
  check_object(value, "sweep");
  if (value.is_null()) return;
  Fields sweep(value.dump());
  check_lines("edits", sweep.texts("edits", kListEntries, kExpressionBytes));
  check_axes("axes", sweep.texts("axes", kListEntries, kExpressionBytes));
  sweep.texts("targets", kListEntries, kTextBytes);
  check_metric("metric", sweep.text("metric", kShortBytes));
  sweep.flag("whole");
  sweep.reject_unknown();
}

}  // namespace

SavedExperiment read_experiment(const std::string& body) {
  if (body.size() > kExperimentBytes)
    throw HttpError(
        413, "experiment",
        "has " + std::to_string(body.size()) + " bytes, more than the limit of " + std::to_string(kExperimentBytes));
  Fields fields(body);
  if (fields.text_or("stratoscope", kShortBytes, "") != "experiment")
    throw HttpError(400, "experiment", "this is not an experiment of Stratoscope",
                    R"(one begins with {"stratoscope": "experiment")");
  SavedExperiment saved;
  check_line("version", fields.text("version", kShortBytes));
  const nlohmann::json model = fields.value("model");
  check_object(model, "model");
  if (model.is_null()) throw HttpError(400, "experiment", "'model' is missing");
  Fields model_fields(model.dump());
  saved.summary.model = model_fields.text("name", kModelNameBytes);
  check_line("name", saved.summary.model);
  saved.summary.model_hash = model_fields.text("hash", kShortBytes);
  check_line("hash", saved.summary.model_hash);
  saved.summary.text = fields.text("text", kTextBytes);
  saved.summary.note = fields.text_or("note", kNoteBytes, "");
  fields.flag("bos");
  check_lines("edits", fields.texts("edits", kListEntries, kExpressionBytes));
  fields.optional_text("corrupt", kTextBytes);
  check_sweep_field(fields.value("sweep"));
  check_state(fields.value("state"));
  check_object(fields.value("result"), "result");
  check_object(fields.value("options"), "options");
  for (const char* name : {"command", "precision", "isa"})
    if (const auto text = fields.optional_text(name, kShortBytes)) check_line(name, *text);
  for (const char* name : {"record", "edit_language"}) fields.optional_count(name, kShortBytes);
  fields.reject_unknown();
  saved.document = body;
  return saved;
}

}  // namespace stratoscope::server
