// The options of a command, made from the fields of its request.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "apps/cli/options.h"
#include "stratoscope/request/field.h"

namespace stratoscope::cli {

// Declares an option for each field.
class FieldOptions {
 public:
  FieldOptions(CLI::App& command, Fields& fields);

  // Reads the given options into the fields, and the text from the TEXT argument in `common` or from standard input.
  // Throws Error for a value that its field does not take, CLI::RequiredError for a missing text.
  void read(CommonOptions& common);

  // The given options as a record keeps them: the values by the option's name, none for a flag; only options that
  // change the result.
  using Given = std::vector<std::pair<std::string, std::vector<std::string>>>;
  Given given() const;
  // The names of --target and --target-id in the order given, if both kinds were given.
  std::vector<std::string> order() const;
  // Files that were read, except those that the result names itself.
  std::vector<std::string> input_files() const;

 private:
  struct FieldOption {
    Field* field;
    CLI::Option* option = nullptr;
    CLI::Option* negative = nullptr;  // --no-bos
  };
  void declare(FieldOption& of);
  bool wants_text() const;
  void take_back_text(CommonOptions& common);
  void read_in_order();

  CLI::App& command_;
  Fields& fields_;
  std::vector<FieldOption> options_;
  std::vector<std::string> values_of_several_;  // without the TEXT that followed them
};

}  // namespace stratoscope::cli
