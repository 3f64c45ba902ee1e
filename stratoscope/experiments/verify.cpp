#include "stratoscope/experiments/verify.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

template <class T>
PointError error_at(HookPoint point, const BasicTensor<T>& actual, const BasicTensor<double>& expected) {
  PointError error{point, 0, 0};
  const auto a = actual.matrix();
  const auto e = expected.matrix();
  for (std::size_t r = 0; r < e.rows; ++r) {
    double largest = 0, difference = 0;
    for (std::size_t i = 0; i < e.cols; ++i) {
      const double x = static_cast<double>(a.row(r)[i]), y = e.row(r)[i];
      if (std::isinf(y) && x == y) continue;  // masked scores
      largest = std::max(largest, std::abs(y));
      difference = std::isnan(x - y) ? std::numeric_limits<double>::infinity() : std::max(difference, std::abs(x - y));
    }
    error.max_abs = std::max(error.max_abs, difference);
    const bool relative = largest > 0 && std::isfinite(largest);
    error.max_rel = std::max(error.max_rel, relative ? difference / largest : difference);
  }
  return error;
}

}  // namespace

void describe(VerifyRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  add_text(fields, request.text);
}

Verification verify(const Session& session, const VerifyRequest& request) {
  Verification result;
  result.text = session.read(request.text, request.text_options);
  RunRequest run_request;
  run_request.captures = captures_of(all_hook_points(session.config()));
  const EditedRun edited = run_text(session, result.text, request.edits, run_request, request.text_options);
  result.effect = edited.effect;

  // The same edits in float64; their operands are also from float64 runs.
  const Session reference = session.in_precision(Precision::fp64);
  const EditedRun proof = run_text(reference, result.text, request.edits, run_request, request.text_options);
  const auto& expected = std::get<Run<double>>(proof.run);
  std::visit(
      [&](const auto& run) {
        for (const auto& [point, value] : run.captured)
          result.errors.push_back(error_at(point, value, expected.value(point)));
      },
      edited.run);
  return result;
}

Document to_json(const Session& session, const Verification& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["hook_points"] = Json::array();
  for (const PointError& error : result.errors)
    json["hook_points"].push_back(
        {{"name", name_of(error.at)}, {"max_abs", error.max_abs}, {"max_rel", error.max_rel}});
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Verification& result) {
  std::vector<double> max_abs, max_rel;
  for (const PointError& error : result.errors) {
    max_abs.push_back(error.max_abs);
    max_rel.push_back(error.max_rel);
  }
  return {named_values("max_abs", max_abs), named_values("max_rel", max_rel)};
}

Figure figure_of(const Verification& result) {
  Panel panel;
  panel.y = {"largest error of a row, relative", {}, std::nullopt, true};
  panel.x.title = "block";
  for (const Hook hook : {Hook::resid_pre, Hook::attn_out, Hook::mlp_out, Hook::resid_post}) {
    Line line;
    line.label = info_of(hook).name;
    for (const PointError& error : result.errors) {
      if (error.at.hook != hook) continue;
      line.x.push_back(static_cast<double>(error.at.layer));
      // A logarithmic axis cannot show an error of zero.
      line.y.push_back(error.max_rel > 0 ? error.max_rel : std::numeric_limits<double>::quiet_NaN());
      if (hook == Hook::resid_pre) panel.x.ticks.push_back(block_label(error.at.layer));
    }
    panel.marks.emplace_back(line);
  }
  return {"Error against float64",
          "The largest difference from the plain float64 path, relative to the largest magnitude of its row.",
          "",
          {panel},
          1,
          std::nullopt};
}

}  // namespace stratoscope
