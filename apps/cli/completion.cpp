#include "apps/cli/completion.h"

#include "apps/cli/commands.h"
#include "apps/cli/manual.h"
#include "apps/cli/output.h"
#include "apps/server/serve.h"

namespace stratoscope::cli {
namespace {

// A command for packaging, which --help does not list.
CLI::App& add_hidden(CLI::App& app, const char* name, const char* description) {
  return *app.add_subcommand(name, description)->group("");
}

}  // namespace

void add_completion(CLI::App& app, Program& program) {
  CLI::App& command = add_hidden(app, "completion", "a completion script for a shell");
  const auto shell = std::make_shared<std::string>();
  command.add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command.callback([&app, &program, shell] {
    program.action = [&app, shell] {
      const OptionTable table = option_table(app);
      print(*shell == "bash"  ? bash_completion(table)
            : *shell == "zsh" ? zsh_completion(table)
                              : fish_completion(table));
    };
  });
}

void add_manual(CLI::App& app, Program& program) {
  add_hidden(app, "man", "the manual page, for man").callback([&app, &program] {
    program.action = [&app] { print(manual_page(option_table(app))); };
  });
}

void add_openapi(CLI::App& app, Program& program) {
  add_hidden(app, "openapi", "the HTTP interface as an OpenAPI document").callback([&program] {
    program.action = [] { print(server::openapi_json() + "\n"); };
  });
}

}  // namespace stratoscope::cli
