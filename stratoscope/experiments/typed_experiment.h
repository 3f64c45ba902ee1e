// An experiment made of a request, a function and a result. The request's header declares
//   void describe(Request& request, Fields& fields);
//   Result name(const Session& session, const Request& request);
//   Document to_json(const Session& session, const Result& result);
// and where the experiment has them
//   Document to_json(const Session& session, const Result& result, DocumentParts parts);
//   std::vector<NamedValues> arrays_of(const Result& result);
//   Figure figure_of(const Result& result);                        or with the request as a second argument
//   void check(const Request& request);                            throws UsageError
//   void check_figure(const Session& session, const Request& request);
//   void stream(Request& request, const EmitEvent& emit);
//   bool can_open(const Request& request);                         and
//   Result read_open(OpenText& open, const Request& request);      the same result from a text that is held open
//   std::vector<std::string> warnings_of(const Result& result);    or a member `warnings`
//   std::vector<std::filesystem::path> files_of(const Result& result);
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/experiments/experiment.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope {

// Calls of the optional functions, if the request's header declares them.
template <class Request>
void check_request(const Request& request) {
  if constexpr (requires { check(request); }) check(request);
}
template <class Request>
void check_figure_of(const Session& session, const Request& request) {
  if constexpr (requires { check_figure(session, request); }) check_figure(session, request);
}
template <class Request>
void stream_request(Request& request, const EmitEvent& emit) {
  if constexpr (requires { stream(request, emit); }) stream(request, emit);
}

template <class Request, class Result>
class TypedResult : public ExperimentResult {
 public:
  TypedResult(const Session& session, const Request& request, const Fields& fields, Result result)
      : session_(session), request_(request), fields_(fields), result_(std::move(result)) {}

  const Result& result() const { return result_; }

  using ExperimentResult::document;
  Document document(DocumentParts parts) const override {
    if constexpr (requires { to_json(session_, result_, parts); })
      return with_warnings(to_json(session_, result_, parts), warnings());
    else
      return with_warnings(to_json(session_, result_), warnings());
  }

  std::optional<Figure> figure() const override {
    if constexpr (requires { figure_of(result_, request_); })
      return figure_of(result_, request_);
    else if constexpr (requires { figure_of(result_); })
      return figure_of(result_);
    else
      return std::nullopt;
  }

  std::vector<NamedValues> arrays() const override {
    if constexpr (requires { arrays_of(result_); })
      return arrays_of(result_);
    else
      return {};
  }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> all = warnings_of(session_);
    const auto add = [&](std::vector<std::string> more) { all.insert(all.end(), more.begin(), more.end()); };
    if constexpr (requires { request_.sampling.temperature; }) add(unused_sampling(fields_, request_.sampling));
    if constexpr (requires { result_.effect->kl, request_.edits.expressions; })
      if (result_.effect) {
        std::size_t texts = 1;
        if constexpr (requires { texts = result_.texts; }) texts = result_.texts;
        std::string warning = effect_warning(*result_.effect, session_.config(), request_.edits.expressions, texts);
        if (!warning.empty()) all.push_back(std::move(warning));
      }
    if constexpr (requires { result_.warnings; })
      add(result_.warnings);
    else if constexpr (requires { warnings_of(result_); })
      add(warnings_of(result_));
    return all;
  }

  std::vector<std::filesystem::path> files() const override {
    if constexpr (requires { files_of(result_); })
      return files_of(result_);
    else
      return {};
  }

  std::optional<std::string> missing() const override {
    if constexpr (requires { result_.missing; })
      return result_.missing;
    else
      return std::nullopt;
  }

 private:
  const Session& session_;
  const Request& request_;
  const Fields& fields_;
  Result result_;
};

template <class Request, class Result>
class TypedRequest : public ExperimentRequest {
 public:
  using Run = Result (*)(const Session& session, const Request& request);

  explicit TypedRequest(Run experiment) : run_(experiment) { describe(request_, fields_); }

  Request& request() { return request_; }
  const Request& request() const { return request_; }

  Fields& fields() override { return fields_; }
  void check() const override { check_request(request_); }
  void check_figure(const Session& session) const override { check_figure_of(session, request_); }
  void stream(const EmitEvent& emit) override { stream_request(request_, emit); }
  std::unique_ptr<ExperimentResult> run(const Session& session) override {
    return result_of(session, run_(session, request_));
  }

  std::optional<TextToOpen> text_to_open() const override {
    if constexpr (requires { can_open(request_); }) {
      if (!can_open(request_) || !request_.text.ids.empty()) return std::nullopt;
      TextToOpen text{request_.text, request_.text_options, request_.edits};
      if constexpr (requires { request_.repeat; }) text.options.repeat = request_.repeat;
      return text;
    } else {
      return std::nullopt;
    }
  }

  std::unique_ptr<ExperimentResult> run(const Session& session, OpenText& open) override {
    if constexpr (requires { read_open(open, request_); }) {
      if (open.is_finite()) {
        Result result = read_open(open, request_);
        if (!result.effect || std::isfinite(result.effect->kl + result.effect->max_change))
          return result_of(session, std::move(result));
      }
    }
    return run(session);  // which finds the first number that is not finite
  }

 private:
  std::unique_ptr<ExperimentResult> result_of(const Session& session, Result result) const {
    return std::make_unique<TypedResult<Request, Result>>(session, request_, fields_, std::move(result));
  }

  Run run_;
  Request request_ = {};
  Fields fields_;
};

// The request must outlive its result.
template <class Request, class Result>
Experiment make_experiment(std::string name, std::string summary, Result (*run)(const Session&, const Request&),
                           std::vector<std::string> keys, std::string example = "{}") {
  Experiment experiment;
  experiment.name = std::move(name);
  experiment.summary = std::move(summary);
  experiment.keys = std::move(keys);
  experiment.example = std::move(example);
  experiment.has_figure = requires(const Request& request, const Result& result) { figure_of(result, request); }
  || requires(const Result& result) { figure_of(result); };
  experiment.has_arrays = requires(const Result& result) { arrays_of(result); };
  experiment.begin = [run] { return std::make_unique<TypedRequest<Request, Result>>(run); };
  return experiment;
}

}  // namespace stratoscope
