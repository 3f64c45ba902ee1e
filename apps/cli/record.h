// --record FILE.json: an experiment as a file, with what it was and what came out. `replay` runs it again.
#pragma once

#include <filesystem>
#include <string>

#include "apps/cli/field_options.h"
#include "apps/cli/options.h"
#include "stratoscope/experiments/experiment.h"
#include "stratoscope/session/document.h"

namespace stratoscope::cli {

void add_record(CLI::App& command, CommonOptions& options);

// Writes the record that `options.record` names: the options that were given and change the result, the files that were
// read with their hashes, and the result.
void write_record(const CommonOptions& options, const CLI::App& command, const FieldOptions& fields,
                  const ExperimentResult& result, const Document& document);

// What a record holds.
struct Record {
  std::string command, model, model_hash, version, isa;
  std::vector<std::string> arguments;  // as on a command line, the command first
  std::string result;                  // the document
};

// Throws Error for what is no record, is one of a later form, or names options that a replay does not take.
Record read_record(const std::filesystem::path& path, const std::vector<Experiment>& experiments);

}  // namespace stratoscope::cli
