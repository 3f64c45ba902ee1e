// --record FILE.json: an experiment as a file, with what it was and what came out. `replay` runs it again.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "apps/cli/options.h"
#include "stratoscope/session/document.h"

namespace stratoscope::cli {

void add_record(CLI::App& command, CommonOptions& options);

// Makes the result's document where it is asked for: keeps it with --record, prints it with --json, hands it to a
// replay. Says whether nothing else is to be printed.
bool give_document(const CommonOptions& options, const Program& program, const std::function<Document()>& make);

// What a record holds.
struct Record {
  std::string command, model, model_hash, version, isa;
  std::vector<std::string> arguments;  // as on a command line, the command first
  std::string result;                  // the document
};

// Throws Error for what is no record, is one of a later form, or names options that a replay does not take.
Record read_record(const std::filesystem::path& path);

}  // namespace stratoscope::cli
