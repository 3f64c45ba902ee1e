#include "apps/server/serve.h"

#include <fmt/format.h>

#include <cstdlib>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/progress_bar.h"
#include "apps/server/store.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/threads.h"

namespace stratoscope::cli {
namespace {

// The token if --token is absent; values in a file or in the environment are not visible in process lists.
std::optional<std::string> token_from(const std::string& file) {
  constexpr std::size_t kLargestFile = 4096;
  if (!file.empty()) {
    const std::string text = read_text_file(file, kLargestFile);
    const std::string line = text.substr(0, text.find_first_of("\r\n"));
    if (line.empty()) throw Error("serve", file + ": its first line is not a token");
    return line;
  }
  const char* const variable = std::getenv("STRATOSCOPE_TOKEN");
  return variable != nullptr && *variable != '\0' ? std::optional<std::string>(variable) : std::nullopt;
}

void print_addresses(const std::vector<std::string>& addresses) {
  print("the explorer is at {}\n", addresses.front());
  for (std::size_t i = 1; i < addresses.size(); ++i) print("from other machines at {}\n", addresses[i]);
  print("press Ctrl-C to stop\n");
  flush_output();
}

}  // namespace

void add_serve(CLI::App& app, Program& program) {
  struct Options {
    server::ServeOptions server;
    std::string data, token_file;
  };
  auto options = std::make_shared<Options>();
  options->server.model = kBuiltInModel;
  CLI::App& command = *app.add_subcommand("serve", "the explorer: a local web page, and the HTTP interface");
  command.add_option("--model", options->server.model, "the model that the page opens with")
      ->capture_default_str()
      ->type_name("NAME-OR-FOLDER");
  command
      .add_option("--models", options->server.folders,
                  "a further model to choose from, in Hugging Face layout, or a folder of models")
      ->type_name("DIR")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  constexpr int kLastPort = 65535;
  command.add_option("--port", options->server.port, "0 for any free port")
      ->capture_default_str()
      ->check(CLI::Range(0, kLastPort))
      ->type_name("P");
  command
      .add_option("--host", options->server.host, "the address to listen on; access from other machines needs a token")
      ->capture_default_str()
      ->type_name("ADDRESS");
  command
      .add_option(
          "--token", options->server.token,
          "the token to require (default: none on this machine, else a new one); other users of the machine see it "
          "in the list of processes, unlike $STRATOSCOPE_TOKEN and --token-file")
      ->type_name("TOKEN");
  command.add_option("--token-file", options->token_file, "a file whose first line is the token")
      ->type_name("FILE")
      ->excludes("--token");
  command
      .add_option("--allow-host", options->server.allowed_hosts,
                  "a further host name of this server, as requests through a proxy or a tunnel have it")
      ->type_name("NAME[:PORT]")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  command.add_option("--data", options->data, "folder of the saved experiments (default: in $XDG_DATA_HOME)")
      ->type_name("DIR");
  command.add_option("--threads", options->server.threads, "worker threads (default: all cores)")
      ->check(CLI::Range(1, kMostThreads))
      ->type_name("N");
  command.callback([options, &program] {
    program.action = [options] {
      server::ServeOptions& serve = options->server;
      serve.store_file = options->data.empty() ? server::default_store_file()
                                               : std::filesystem::path(options->data) / "experiments.db";
      if (!serve.token) serve.token = token_from(options->token_file);
      server::serve(serve, print_addresses, [] { return interrupted() != 0; });
    };
  });
}

}  // namespace stratoscope::cli
