#include <cmath>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "apps/server/views.h"
#include "stratoscope/experiment/sweep_experiment.h"

namespace stratoscope::server {
namespace {

// A piece of the grid per step, so that cells come in as they are computed, and others have turns in between.
constexpr std::size_t kCellsPerStep = 4;

struct SweepWork {
  Asked asked;
  SweepExperimentRequest request;
  std::vector<SweepAxis> axes;
  SweepExperiment whole;
  std::size_t cells = 1, done = 0;

  // Values of the first axis that one step takes: a row of a grid, or a few points of a curve.
  std::size_t rows_per_step() const { return axes.size() > 1 ? 1 : kCellsPerStep; }
  std::size_t row_cells() const { return axes.empty() ? 1 : cells / axes[0].values.size(); }

  void begin() {
    axes = check_sweep(asked, request);
    for (const SweepAxis& axis : axes) cells *= axis.values.size();
  }

  void step(Job& job) {
    const Session& session = asked.model->session();
    SweepExperimentRequest piece = request;
    if (!axes.empty()) {
      std::string values;
      const std::size_t first = done / row_cells();
      for (std::size_t i = first; i < std::min(first + rows_per_step(), axes[0].values.size()); ++i)
        values += (values.empty() ? "" : ",") + axes[0].values[i];
      piece.axes[0] = axes[0].name + "=" + values;
    }
    SweepExperiment part = run_sweep(session, piece);
    if (done == 0) {
      for (const std::string& warning : part.warnings)
        if (warning.find("--whole") != std::string::npos) whole.warnings.push_back(warning);
      Json list = Json::array();
      for (const SweepAxis& axis : axes) list.push_back({{"name", axis.name}, {"values", axis.values}});
      job.emit("start", {{"axes", list}, {"clean", part.result.clean}, {"title", metric_title(part)}});
    }
    Json values = Json::array();
    for (const double value : part.result.values) values.push_back(std::isfinite(value) ? Json(value) : Json());
    job.emit("cells",
             {{"first", done}, {"values", values}, {"done", done + part.result.values.size()}, {"total", cells}});
    take_in(std::move(part));
  }

  void take_in(SweepExperiment part) {
    done += part.result.values.size();
    if (whole.result.values.empty()) {
      auto warnings = std::move(whole.warnings);
      whole = std::move(part);
      whole.warnings = std::move(warnings);
      whole.axes = axes;
      return;
    }
    auto& result = whole.result;
    result.values.insert(result.values.end(), part.result.values.begin(), part.result.values.end());
    result.effects.insert(result.effects.end(), part.result.effects.begin(), part.result.effects.end());
    result.effect.include(part.result.effect);
  }

  Answer answer() const {
    Answer answer;
    answer.json = Json::parse(to_json(asked.model->session(), whole).text);
    answer.json["title"] = metric_title(whole);
    if (!whole.warnings.empty()) answer.json["warnings"] = whole.warnings;
    Shape shape;
    for (const SweepAxis& axis : axes) shape.push_back(axis.values.size());
    if (shape.empty()) shape = {1};
    NamedArray& array = answer.add("values", shape);
    for (std::size_t i = 0; i < cells; ++i) array.values[i] = static_cast<float>(whole.result.values[i]);
    return answer;
  }
};

}  // namespace

std::vector<SweepAxis> check_sweep(const Asked& asked, const SweepExperimentRequest& request) {
  const Session& session = asked.model->session();
  SweepRequest grid;
  grid.edits = request.edits.expressions;
  std::size_t cells = 1;
  const std::size_t positions = session.read(request.text, request.text_options).ids.size();
  for (const std::string& axis : request.axes) {
    grid.axes.push_back(parse_axis(axis, session.config(), positions));
    cells *= grid.axes.back().values.size();
    if (cells > kGridPoints)
      throw Refusal(400, "sweep", "the grid has more points than the limit of " + std::to_string(kGridPoints),
                    "sweep fewer values");
  }
  for (std::size_t cell = 0; cell < cells; ++cell)
    for (const EditExpression& edit : edits_of_cell(grid, cell)) refuse_files(edit);
  return grid.axes;
}

Job::Step sweep_view(Fields& fields, const Asked& asked) {
  auto work = std::make_shared<SweepWork>();
  work->asked = asked;
  work->request = read_sweep(fields, asked);
  return [work](Job& job) {
    if (work->done == 0) work->begin();
    work->step(job);
    if (work->done < work->cells) return false;
    job.set_result(work->answer());
    return true;
  };
}

SweepExperimentRequest read_sweep(Fields& fields, const Asked& asked) {
  constexpr std::size_t kAxisBytes = 4000, kMetricBytes = 40;
  SweepExperimentRequest request;
  request.text = asked.text;
  request.text_options = asked.options;
  request.edits = asked.edits;
  request.axes = fields.texts("axes", kAxes, kAxisBytes);
  for (const std::string& target : fields.texts("targets", kTargets, kTextBytes))
    request.targets.push_back({target, std::nullopt});
  for (const long id : fields.ids("target_ids", kTargets)) request.targets.push_back({"", id});
  request.metric = fields.text_or("metric", kMetricBytes, "log_prob");
  request.whole = fields.flag("whole");
  return request;
}

}  // namespace stratoscope::server
