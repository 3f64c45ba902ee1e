#include "stratoscope/experiments/run.h"

#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"

namespace stratoscope::cli {
namespace {

void print_result(const Session& session, const SaveRunRequest&, const SavedRun& saved) {
  print("{}, {} text{}, {} token{}, saved in {}\n\n", session.model_name(), saved.texts, saved.texts == 1 ? "" : "s",
        saved.tokens, saved.tokens == 1 ? "" : "s", saved.file.string());
  for (const std::string& note : saved.notes) print("note: {}\n", note);
  Table table({"key", "shape"});
  for (const auto& [name, shape] : saved.keys) table.add({name, to_string(shape)});
  print(table.text());
  print_globs(saved.capture_globs);
  print_effect(saved.effect);
}

}  // namespace

Presentation present_run() { return present<SaveRunRequest, SavedRun>(print_result); }

}  // namespace stratoscope::cli
