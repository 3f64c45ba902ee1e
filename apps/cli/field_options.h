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

  // Reads what was given into the fields, and the text of a TEXT argument from `common` or standard input. Throws Error
  // for what is no value of its field, CLI::RequiredError for a text that is missing.
  void read(CommonOptions& common);

  // As a record keeps them: by the option's name its values, none for a flag; only those that change the result.
  using Given = std::vector<std::pair<std::string, std::vector<std::string>>>;
  Given given() const;
  // The names of --target and --target-id in their order, where both kinds were given.
  std::vector<std::string> order() const;
  // Files that were read, without those that a result names.
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
