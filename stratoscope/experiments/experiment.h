// An experiment as command line, server and bindings use it: a name, fields to fill in, a run, a document and a figure.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stratoscope/figures/figure.h"
#include "stratoscope/request/field.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/open_text.h"
#include "stratoscope/session/session.h"

namespace stratoscope {

// The result of an experiment. The session must outlive it.
class ExperimentResult {
 public:
  ExperimentResult() = default;
  ExperimentResult(const ExperimentResult&) = delete;
  ExperimentResult& operator=(const ExperimentResult&) = delete;
  virtual ~ExperimentResult() = default;

  // With "warnings" if there are any.
  virtual Document document(DocumentParts parts) const = 0;
  Document document() const { return document(DocumentParts::all); }
  // The numbers of the document that form arrays, bit for bit; empty for an experiment without arrays.
  virtual std::vector<NamedValues> arrays() const = 0;
  // Empty for an experiment without a figure.
  virtual std::optional<Figure> figure() const = 0;
  virtual std::vector<std::string> warnings() const = 0;
  // Files of vectors that were read, in addition to those that the fields name.
  virtual std::vector<std::filesystem::path> files() const = 0;
  // The reason why a part of the result is missing; the other parts are complete.
  virtual std::optional<std::string> missing() const = 0;
};

struct TextToOpen {
  std::string text;
  TextOptions options;
  Edits edits;
};

// A request for an experiment. The caller fills in the fields, then runs it once.
class ExperimentRequest {
 public:
  ExperimentRequest() = default;
  ExperimentRequest(const ExperimentRequest&) = delete;
  ExperimentRequest& operator=(const ExperimentRequest&) = delete;
  virtual ~ExperimentRequest() = default;

  virtual Fields& fields() = 0;
  // Throws UsageError for fields that exclude each other. Called after the fields were read.
  virtual void check() const = 0;
  // Throws Error before the run if the result cannot have a figure.
  virtual void check_figure(const Session& session) const = 0;
  // Emits results as they are computed, if the experiment supports that, in the thread of run().
  virtual void stream(const EmitEvent& emit) = 0;
  virtual std::unique_ptr<ExperimentResult> run(const Session& session) = 0;
  // The text that the experiment reads, where it can read it from one that is held open.
  virtual std::optional<TextToOpen> text_to_open() const = 0;
  // As run(), with the same bits, from what `open` keeps of that text; `session` is its model's.
  virtual std::unique_ptr<ExperimentResult> run(const Session& session, OpenText& open) = 0;
};

struct Experiment {
  std::string name;               // of the command, the function, the header and the route
  std::string summary;            // one line
  std::vector<std::string> keys;  // of its document, in addition to the common ones
  std::string example = "{}";     // of its fields, as JSON
  bool has_figure = false, has_arrays = false;
  bool is_recorded = true;  // whether it has --record
  bool is_served = true;    // over HTTP; false if the result is a file on this machine
  std::function<std::unique_ptr<ExperimentRequest>()> begin;
};

// All experiments, in the order of --help.
const std::vector<Experiment>& all_experiments();

}  // namespace stratoscope
