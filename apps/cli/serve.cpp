#include "apps/server/serve.h"

#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/progress_bar.h"
#include "apps/server/store.h"

namespace stratoscope::cli {

void add_serve(CLI::App& app, Program& program) {
  struct Options {
    server::ServeOptions server;
    std::string data;
  };
  auto options = std::make_shared<Options>();
  options->server.model = kBuiltInModel;
  CLI::App& command = *app.add_subcommand("serve", "the explorer: a local web page, and the HTTP interface behind it");
  command.add_option("--model", options->server.model, "the model that the page opens with")
      ->capture_default_str()
      ->type_name("NAME-OR-FOLDER");
  command
      .add_option("--models", options->server.folders,
                  "a further model to choose from, in Hugging Face layout, or a folder of such")
      ->type_name("DIR")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  constexpr int kLastPort = 65535;
  command.add_option("--port", options->server.port, "0 for any that is free")
      ->capture_default_str()
      ->check(CLI::Range(0, kLastPort))
      ->type_name("P");
  command
      .add_option("--host", options->server.host, "the address to listen on; beyond this machine a token is required")
      ->capture_default_str()
      ->type_name("ADDRESS");
  command
      .add_option("--token", options->server.token,
                  "the token to require (default: none on this machine, else a new one)")
      ->type_name("TOKEN");
  command.add_option("--data", options->data, "folder of the saved experiments (default: in $XDG_DATA_HOME)")
      ->type_name("DIR");
  constexpr int kMostThreads = 1024;
  command.add_option("--threads", options->server.threads, "worker threads (default: all cores)")
      ->check(CLI::Range(1, kMostThreads))
      ->type_name("N");
  command.callback([options, &program] {
    program.action = [options] {
      server::ServeOptions& serve = options->server;
      serve.store_file = options->data.empty() ? server::default_store_file()
                                               : std::filesystem::path(options->data) / "experiments.db";
      server::serve(
          serve,
          [](const std::string& address) {
            fmt::print("the explorer is at {}\npress Ctrl-C to stop\n", address);
            flush_output();
          },
          [] { return interrupted() != 0; });
    };
  });
}

}  // namespace stratoscope::cli
