#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "stratoscope/base/error.h"
#include "stratoscope/hub/known_models.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/pulled_session.h"
#include "stratoscope/version.h"

namespace stratoscope::cli {
namespace {

PulledSession pull(const std::string& name, bool force, Progress* progress) {
  PullOptions options = default_pull_options();
  options.name = name;
  options.force = force;
  options.progress = progress;
  PulledSession pulled = pull_session(options);
  const bool offline = options.settings.offline;
  if (pulled.problem && !force) {
    const Error error = why_unusable(pulled.model, *pulled.problem, offline);
    throw Error(error.where(), error.problem(), error.hint().empty() ? "--force makes this a warning" : error.hint());
  }
  if (pulled.problem && (offline || pulled.model.warnings.empty()))
    pulled.model.warnings.push_back("it cannot be run here: " + std::string(pulled.problem->what()));
  for (const std::string& warning : pulled.model.warnings) warn(warning);
  return pulled;
}

Json to_json(const PulledSession& pulled) {
  const auto& [model, session, problem] = pulled;
  Json json =
      session ? begin_document(*session) : Json{{"version", STRATOSCOPE_VERSION}, {"model", {{"hash", nullptr}}}};
  json["model"]["name"] = model.repository;
  json["revision"] = model.revision;
  json["commit"] = model.commit;
  json["path"] = model.folder.string();
  json["runs"] = session.has_value();
  json["bytes"] = model.size();
  json["downloaded"] = model.received();
  json["files"] = Json::array();
  for (const PulledFile& file : model.files)
    json["files"].push_back({{"name", file.name}, {"bytes", file.size}, {"downloaded", file.received}});
  return json;
}

void print_summary(const std::string& typed, const PulledSession& pulled) {
  const auto& [model, session, problem] = pulled;
  constexpr std::size_t kShortCommit = 12;
  print("{} at {} ({}): {} files, {}, ", model.repository, model.revision, model.commit.substr(0, kShortCommit),
        model.files.size(), size_text(model.size()));
  if (model.received() == 0)
    print("all present already\n");
  else if (model.received() == model.size())
    print("downloaded\n");
  else
    print("{} of them downloaded\n", size_text(model.received()));
  print("  {}\n", model.folder.string());
  if (session) print("try it: stratoscope demo --model {}\n", typed);
}

}  // namespace

void add_pull(CLI::App& app, Program& program) {
  struct Options {
    std::string name;
    bool force = false, json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("pull", "download a model from the Hugging Face hub, into its cache");
  command.add_option("NAME", options->name, "gpt2, or any ORGANISATION/NAME; @REVISION may follow")
      ->required()
      ->type_name("");
  command.add_flag("--force", options->force, "also download a model that this program cannot run");
  command.add_flag("--json", options->json, "print one JSON document");
  command.callback([options, &program] {
    program.action = [options, &program] {
      const PulledSession pulled = pull(options->name, options->force, program.progress);
      if (options->json) return print_json(finish_document(to_json(pulled)));
      print_summary(options->name, pulled);
    };
  });
}

}  // namespace stratoscope::cli
