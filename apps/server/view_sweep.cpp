#include <algorithm>
#include <cmath>
#include <utility>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "apps/server/views.h"
#include "stratoscope/experiments/sweep.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope::server {
namespace {

class SweepWork {
 public:
  SweepWork(TextRequest text_request, SweepExperimentRequest request)
      : text_request_(std::move(text_request)), request_(std::move(request)) {}

  JobResult run(Job& job) {
    const Session& session = text_request_.model->session();
    const std::vector<SweepAxis> axes = served_axes(session, request_.text, request_);
    std::size_t cells = 1, done = 0;
    for (const SweepAxis& axis : axes) cells *= axis.values.size();
    const std::size_t at_once = points_at_once(text_request_, request_);
    request_.begin = [&](const SweepExperiment& begun) {
      Json list = Json::array();
      for (const SweepAxis& axis : axes) list.push_back({{"name", axis.name}, {"values", axis.values}});
      job.emit("start", {{"axes", list}, {"clean", begun.result.clean}, {"title", metric_title(begun)}});
    };
    Json values = Json::array();
    request_.take = [&, at_once](std::size_t, std::size_t cell, const GridValue& result) {
      values.push_back(std::isfinite(result.value) ? Json(result.value) : Json());
      if (values.size() < at_once && cell + 1 < cells) return;
      const std::size_t first = std::exchange(done, cell + 1);
      job.emit("cells",
               {{"first", first}, {"values", std::exchange(values, Json::array())}, {"done", done}, {"total", cells}});
      job.yield();
    };
    return result_of(sweep_text(session, request_), axes, cells);
  }

 private:
  JobResult result_of(const SweepExperiment& experiment, const std::vector<SweepAxis>& axes, std::size_t cells) const {
    JobResult result;
    result.json = json_of(to_json(text_request_.model->session(), experiment));
    result.json["title"] = metric_title(experiment);
    if (!experiment.warnings.empty()) result.json["warnings"] = experiment.warnings;
    Shape shape;
    for (const SweepAxis& axis : axes) shape.push_back(axis.values.size());
    if (shape.empty()) shape = {1};
    NamedArray& array = result.add("values", shape);
    for (std::size_t i = 0; i < cells; ++i) array.values[i] = static_cast<float>(experiment.result.values[i]);
    return result;
  }

  TextRequest text_request_;
  SweepExperimentRequest request_;
};

}  // namespace

std::vector<SweepAxis> served_axes(const Session& session, const std::string& text,
                                   const SweepExperimentRequest& request) {
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
    for (const EditExpression& edit : grid.edits_at(point)) reject_files(edit);
  return axes;
}

std::size_t points_at_once(const TextRequest& text_request, const SweepExperimentRequest& request) {
  constexpr std::size_t kRows = 768, kMost = 64;
  const std::size_t positions = text_request.model->session().read(request.text, request.text_options).ids.size();
  return std::clamp<std::size_t>(kRows / positions, 1, kMost);
}

Job::Step sweep_view(Fields& fields, const TextRequest& text_request) {
  auto work = std::make_shared<SweepWork>(text_request, read_sweep(fields, text_request));
  return [work](Job& job) {
    job.set_result(work->run(job));
    return true;
  };
}

SweepExperimentRequest read_sweep(Fields& fields, const TextRequest& text_request) {
  constexpr std::size_t kMetricBytes = 40;
  SweepExperimentRequest request;
  request.text = text_request.text;
  request.text_options = text_request.options;
  for (const std::string& edit : text_request.expressions) request.edits.emplace_back(edit);
  request.corrupt = text_request.corrupt;
  for (const std::string& axis : fields.texts("axes", kAxes, kAxisBytes)) request.axes.emplace_back(axis);
  for (const std::string& target : fields.texts("targets", kTargets, kTextBytes))
    request.targets.push_back({target, std::nullopt});
  for (const long id : fields.ids("target_ids", kTargets)) request.targets.push_back({"", id});
  request.metric = parse_choice<Metric>(fields.text_or("metric", kMetricBytes, "log_prob"), "metric");
  request.whole = fields.flag("whole");
  return request;
}

}  // namespace stratoscope::server
