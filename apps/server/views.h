// What the page shows, as steps for the queue. Each function reads and checks the fields that are its own; the work
// happens in the step.
#pragma once

#include <memory>
#include <string>

#include "apps/server/fields.h"
#include "apps/server/jobs.h"
#include "apps/server/shelf.h"
#include "stratoscope/experiments/sweep.h"
#include "stratoscope/figures/figure.h"

namespace stratoscope::server {

// What every request that runs a text says.
struct Asked {
  std::shared_ptr<OpenModel> model;
  std::string text;
  TextOptions options;
  Edits edits;

  // On the queue's thread. Throws Refusal for an edit that reads a file, and for one of several that cannot be: its
  // `where` is then "edit N", counted from 1.
  OpenText& open() const;
};

// "text", "bos", "edits", "corrupt".
Asked read_asked(Fields& fields, std::shared_ptr<OpenModel> model);
// "bos": true, false, or absent for what is usual.
AddedTokens read_added_tokens(Fields& fields);
// Throw Refusal for a vector from a file: no path from a request reaches the file system.
void refuse_files(const EditExpression& edit);
void refuse_files(const Edits& edits);

// Likeliest next tokens at "position" (default: the last), clean beside edited.
Job::Step predict_view(Fields& fields, const Asked& asked);
// Every activation of "token" at every depth: arrays "clean" and, with edits, "edited", [depth, d_model].
Job::Step depth_view(Fields& fields, const Asked& asked);
// Cosine similarity: between the depths of "token"; between tokens at "depth"; of all pairs at each depth.
Job::Step similar_depths_view(Fields& fields, const Asked& asked);
Job::Step similar_tokens_view(Fields& fields, const Asked& asked);
Job::Step profile_view(Fields& fields, const Asked& asked);
// The logit lens, a depth after the other from the last one down: event "depth" for each. With "compare" the clean
// numbers stand beside the edited ones: of the same token, where a number is about one.
Job::Step lens_view(Fields& fields, const Asked& asked);
// One cell of it with its "top" tokens.
Job::Step lens_cell_view(Fields& fields, const Asked& asked);
// Small pictures and scores of all heads: arrays "thumbnails" and "score_values". "which" may be "difference" besides:
// edited minus clean.
Job::Step heads_view(Fields& fields, const Asked& asked);
// The pattern of one head.
Job::Step pattern_view(Fields& fields, const Asked& asked);
// A grid of edits: event "start", then "cells" as they are computed.
Job::Step sweep_view(Fields& fields, const Asked& asked);
// "axes", "targets", "target_ids", "metric", "whole".
SweepExperimentRequest read_sweep(Fields& fields, const Asked& asked);
// Its axes. Throws Refusal for a grid beyond the limit, and for a point that reads a file.
std::vector<SweepAxis> check_sweep(const Asked& asked, const SweepExperimentRequest& request);
// Grid points that are computed together: so many that their rows fill the products, so few that they come in while one
// looks on, and that others need not wait.
std::size_t points_at_once(const Asked& asked, const SweepExperimentRequest& request);
// Any figure of the command line as a file: "what" of "format".
Job::Step export_view(Fields& fields, const Asked& asked);

// Positions "from" and "count" of a text; at most `most`.
struct Window {
  std::size_t from = 0, count = 0;
};
struct WindowFields {
  std::size_t from = 0;
  std::optional<std::size_t> count;
  std::size_t most = 0;
  // Throws Refusal where it lies behind the text's end.
  Window in(std::size_t positions) const;
};
WindowFields read_window(Fields& fields, std::size_t most);
// A position: counted from the start, or -1 for the text's last one, which is known before the text's length is.
struct PositionField {
  const char* name = "";
  std::optional<std::size_t> position = {};  // none for the last
  // Throws Refusal where the text has no such position.
  std::size_t in(std::size_t positions) const;
};
PositionField read_position(Fields& fields, const char* name, std::optional<std::size_t> otherwise);
// Throws Refusal where there is no such index.
std::size_t checked_index(const char* name, std::size_t index, std::size_t count);
// Clean, and edited where there are edits, under these names.
struct Side {
  Which which;
  const char* name;
};
std::vector<Side> sides_of(const OpenText& text);
// "which": clean or edited.
Which read_which(Fields& fields);
// "figure": what a screen shows, as panels of marks. Throws Refusal for what no figure can be made of.
Figure read_figure(const nlohmann::json& json);

}  // namespace stratoscope::server
