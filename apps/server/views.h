// The views of the page, as steps of jobs. Each function reads and checks its fields of the request; the returned step
// does the work.
#pragma once

#include <memory>
#include <string>

#include "apps/server/fields.h"
#include "apps/server/jobs.h"
#include "apps/server/open_models.h"
#include "stratoscope/experiments/sweep.h"
#include "stratoscope/figures/figure.h"

namespace stratoscope::server {

// The fields that all requests about a text have.
struct TextRequest {
  std::shared_ptr<OpenModel> model;
  std::string text;
  TextOptions options;
  std::vector<std::string> expressions;  // edits, or their templates
  std::optional<std::string> corrupt;

  // Throws HttpError for an edit that cannot be read; its `where` is then "edit N".
  Edits edits() const;

  // Call it on the queue's thread. Throws HttpError (400) for an edit that reads a file, and for an invalid edit, with
  // "edit N" (counted from 1) as its `where`.
  OpenText& open() const;
};

// "text", "bos", "edits", "corrupt".
TextRequest read_text_request(Fields& fields, std::shared_ptr<OpenModel> model);
// "bos": true, false, or absent for the default of the model.
AddedTokens read_added_tokens(Fields& fields);
// Throw HttpError (400) for a vector from a file: paths from requests are never opened.
void reject_files(const EditExpression& edit);
void reject_files(const Edits& edits);

// The most likely next tokens at "position" (default: the last), of the clean and the edited run.
Job::Step predict_view(Fields& fields, const TextRequest& text_request);
// Every activation of "token" at every depth: arrays "clean" and, with edits, "edited", [depth, d_model].
Job::Step depth_view(Fields& fields, const TextRequest& text_request);
// Cosine similarity: between the depths of "token"; between tokens at "depth"; of all pairs at each depth.
Job::Step similar_depths_view(Fields& fields, const TextRequest& text_request);
Job::Step similar_tokens_view(Fields& fields, const TextRequest& text_request);
Job::Step profile_view(Fields& fields, const TextRequest& text_request);
// The logit lens, from the last depth to the first: event "depth" for each. With "compare", also the numbers of the
// clean run, for the same tokens.
Job::Step lens_view(Fields& fields, const TextRequest& text_request);
// The "top" tokens of one cell of the logit lens.
Job::Step lens_cell_view(Fields& fields, const TextRequest& text_request);
// Thumbnails and scores of all heads: arrays "thumbnails" and "score_values". "which" may also be "difference": edited
// minus clean.
Job::Step heads_view(Fields& fields, const TextRequest& text_request);
// The attention pattern of one head.
Job::Step pattern_view(Fields& fields, const TextRequest& text_request);
// A sweep over a grid of edits: event "start", then "cells" as they are computed.
Job::Step sweep_view(Fields& fields, const TextRequest& text_request);
// "axes", "targets", "target_ids", "metric", "whole".
SweepExperimentRequest read_sweep(Fields& fields, const TextRequest& text_request);
// The axes of a sweep. Throws HttpError (400) for a grid over the limit, and for a point that reads a file.
std::vector<SweepAxis> served_axes(const Session& session, const std::string& text,
                                   const SweepExperimentRequest& request);
// The number of grid points in one batch: enough rows for efficient matrix products, few enough for frequent events and
// short waits of other jobs.
std::size_t points_at_once(const TextRequest& text_request, const SweepExperimentRequest& request);
// A figure of the command line as a file: "what" in "format".
Job::Step export_view(Fields& fields, const TextRequest& text_request);

// Positions "from" and "count" of a text; at max_count `max_count`.
struct Window {
  std::size_t from = 0, count = 0;
};
struct WindowFields {
  std::size_t from = 0;
  std::optional<std::size_t> count;
  std::size_t max_count = 0;
  // Throws HttpError (400) where `from` is past the end of the text.
  Window in(std::size_t positions) const;
};
WindowFields read_window(Fields& fields, std::size_t max_count);
// A position: counted from the start, or -1 for the last one. It is read before the length of the text is known.
struct PositionField {
  const char* name = "";
  std::optional<std::size_t> position = {};  // none for the last
  // Throws HttpError (400) where the text has no such position.
  std::size_t in(std::size_t positions) const;
};
PositionField read_position(Fields& fields, const char* name, std::optional<std::size_t> fallback);
// Returns `index`. Throws HttpError (400) unless it is less than `count`.
std::size_t checked_index(const char* name, std::size_t index, std::size_t count);
// A run and its name in results.
struct NamedRun {
  Which which;
  const char* name;
};
// Clean, and edited if there are edits.
std::vector<NamedRun> runs_of(const OpenText& text);
// "which": clean or edited.
Which read_which(Fields& fields);
// "figure": a figure of the page, as panels of marks. Throws HttpError (400) for an invalid one.
Figure read_figure(const nlohmann::json& json);

}  // namespace stratoscope::server
