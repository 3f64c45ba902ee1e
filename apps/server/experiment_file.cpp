#include "apps/server/experiment_file.h"

#include "apps/server/answer.h"
#include "apps/server/fields.h"
#include "apps/server/limits.h"
#include "apps/server/refusal.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kModelNameBytes = 1000, kShortBytes = 100;

void check_object(const nlohmann::json& value, const char* name) {
  if (!value.is_null() && !value.is_object())
    throw Refusal(400, "experiment", std::string("'") + name + "' is no object");
}

void check_sweep_field(const nlohmann::json& value) {
  check_object(value, "sweep");
  if (value.is_null()) return;
  Fields sweep(value.dump());
  sweep.texts("edits", kEdits, kEditBytes);
  sweep.texts("axes", kAxes, kAxisBytes);
  sweep.texts("targets", kTargets, kTextBytes);
  sweep.text("metric", kShortBytes);
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
  fields.text("version", kShortBytes);
  const nlohmann::json model = fields.anything("model");
  check_object(model, "model");
  if (model.is_null()) throw Refusal(400, "experiment", "'model' is missing");
  Fields model_fields(model.dump());
  saved.summary.model = model_fields.text("name", kModelNameBytes);
  saved.summary.model_hash = model_fields.text("hash", kShortBytes);
  saved.summary.text = fields.text("text", kTextBytes);
  saved.summary.note = fields.text_or("note", kNoteBytes, "");
  fields.flag("bos");
  fields.texts("edits", kEdits, kEditBytes);
  fields.optional_text("corrupt", kTextBytes);
  check_sweep_field(fields.anything("sweep"));
  check_object(fields.anything("state"), "state");
  check_object(fields.anything("result"), "result");
  check_object(fields.anything("options"), "options");
  for (const char* name : {"command", "precision", "isa"}) fields.optional_text(name, kShortBytes);
  fields.optional_count("record", kShortBytes);
  fields.refuse_others();
  saved.document = body;
  return saved;
}

}  // namespace stratoscope::server
