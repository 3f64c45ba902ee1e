#include "apps/server/experiment_limits.h"

#include <string>
#include <vector>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/sweep.h"
#include "stratoscope/experiments/typed_experiment.h"

namespace stratoscope::server {
namespace {

// Experiments whose work and document grow with the text alone.
bool takes_long_texts(const Experiment& experiment) {
  return experiment.name == "tokens" || experiment.name == "info" || experiment.name == "predict" ||
         experiment.name == "score" || experiment.name == "activations";
}

void check_text(const Experiment& experiment, const Session& session, stratoscope::Fields& fields) {
  const Field* const field = fields.find("text");
  if (field == nullptr || takes_long_texts(experiment)) return;
  TextOptions options;
  options.check_context = false;
  const auto* const* text = std::get_if<std::string*>(&field->target);
  const Field* const given = fields.find("ids");
  const auto* const* ids = given == nullptr ? nullptr : std::get_if<TokenIds*>(&given->target);
  const bool has_ids = ids != nullptr && !(*ids)->empty();
  if (text == nullptr || ((*text)->empty() && !has_ids)) return;
  std::size_t count = has_ids ? (*ids)->size() : session.read(**text, options).ids.size();
  if (const Field* const part = fields.find("positions"); part != nullptr && part->is_given)
    if (const auto* const* positions = std::get_if<IndexList*>(&part->target))
      count = (*positions)->set_in(count, "position").size();
  if (count > kExperimentTokens)
    throw HttpError(400, "text",
                    "has " + std::to_string(count) + " tokens, more than the limit of " +
                        std::to_string(kExperimentTokens) + " for this experiment");
}

void check_grid(const Session& session, const TextInput& text, const SweepExperimentRequest& request) {
  std::vector<SweepAxis> axes;
  std::size_t cells = std::max<std::size_t>(1, request.prompts.size());
  const std::size_t positions = session.read(text, request.text_options).ids.size();
  for (const AxisExpression& axis : request.axes) {
    axes.push_back(resolve_axis(axis, session.config(), positions, request.edits));
    cells *= axes.back().values.size();
    if (cells > kGridPoints)
      throw HttpError(400, "sweep", "the grid has more points than the limit of " + std::to_string(kGridPoints),
                      "sweep fewer values");
  }
  const SweepGrid grid(request.edits, axes);
  for (std::size_t point = 0; grid.has(EditSource::vector) && point < grid.points(); ++point)
    for (const EditExpression& edit : grid.edits_at(point)) reject_files(edit, "edit");
}

}  // namespace

BodyLimits body_limits() {
  return {
      .text_bytes = kTextBytes, .expression_bytes = kExpressionBytes, .list_entries = kListEntries, .is_served = true};
}

void reject_files(const EditExpression& edit, const std::string& where) {
  for (const EditTerm& term : edit.terms)
    if (term.source == EditSource::vector)
      throw HttpError(400, where, "vectors from files (" + in_quotes(term.vector_file) + ") are not available here",
                      "the command line reads them");
}

void reject_files(const stratoscope::Fields& fields) {
  for (const Field& field : fields.all()) {
    if (const auto* const* edits = std::get_if<std::vector<EditExpression>*>(&field.target))
      for (std::size_t i = 0; i < (*edits)->size(); ++i) reject_files((**edits)[i], "edit " + std::to_string(i + 1));
    if (const auto* const* rows = std::get_if<std::vector<TokenRow>*>(&field.target))
      for (const TokenRow& row : **rows)
        if (row.kind == TokenRowKind::file)
          throw HttpError(400, "row", "numbers from files (" + in_quotes(row.text) + ") are not available here",
                          "the command line reads them");
  }
}

void check_size(const Experiment& experiment, const Session& session, ExperimentRequest& request) {
  check_text(experiment, session, request.fields());
  const auto* const sweep = dynamic_cast<TypedRequest<SweepExperimentRequest, SweptPrompts>*>(&request);
  if (sweep == nullptr) return;
  if (sweep->request().prompts.empty()) check_grid(session, sweep->request().text, sweep->request());
  for (const PromptLine& prompt : sweep->request().prompts) check_grid(session, prompt.text, sweep->request());
}

}  // namespace stratoscope::server
