// --record FILE.json: an experiment and its result as a file, from which `replay` runs it again.
#pragma once

#include <filesystem>
#include <string>

#include "apps/cli/field_options.h"
#include "apps/cli/options.h"
#include "stratoscope/experiments/experiment.h"
#include "stratoscope/session/document.h"

namespace stratoscope::cli {

void add_record(CLI::App& command, CommonOptions& options);

// Writes the record to the file that `options.record` names: the given options that change the result, the files that
// were read with their hashes, and the result.
void write_record(const CommonOptions& options, const CLI::App& command, const FieldOptions& fields,
                  const ExperimentResult& result, const Document& document);

// The content of a record.
struct Record {
  std::string command, model, model_hash, version, isa;
  std::vector<std::string> arguments;  // as on a command line, with the command first
  std::string result;                  // the document
};

// Throws Error for a file that is not a record, has a later form, or names options that a replay does not take.
Record read_record(const std::filesystem::path& path, const std::vector<Experiment>& experiments);

}  // namespace stratoscope::cli
