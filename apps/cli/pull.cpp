#include "apps/cli/pull.h"

#include <fmt/format.h>

#include <optional>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/families/families.h"
#include "stratoscope/hub/download/pull.h"
#include "stratoscope/hub/find_model.h"
#include "stratoscope/hub/known_models.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/version.h"

namespace stratoscope::cli {
namespace {

// Removes the bars before other output.
class Bars {
 public:
  explicit Bars(Progress* progress) : progress_(progress) {}
  ~Bars() { progress_->update_parts({}); }
  Bars(const Bars&) = delete;
  Bars& operator=(const Bars&) = delete;

 private:
  Progress* progress_;
};

PulledModel pull_with_bars(const PullOptions& options) {
  const Bars bars(options.progress);
  return pull_model(options);
}

struct Pulled {
  PulledModel model;
  std::optional<Session> session;  // opened in the same way as by other commands; empty if that fails
};

// The reason why the model cannot be opened; empty if it can.
std::optional<Error> try_to_open(Pulled& pulled, bool* implemented) {
  SessionOptions options;
  options.model = pulled.model.folder.string();
  try {
    pulled.session.emplace(options);
  } catch (const Interrupted&) {
    throw;
  } catch (const NotImplemented& error) {
    *implemented = false;
    return error;
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

[[noreturn]] void refuse(const PulledModel& model, const Error& error, bool offline) {
  const std::string name = in_quotes(model.repository);
  if (offline)
    throw Error("pull", name + " cannot be run: " + error.problem(),
                error.hint() + (error.hint().empty() ? "" : "; ") + kOffline);
  throw Error("pull", name + " is the same as on the hub, but cannot be run: " + error.problem(),
              "--force makes this a warning");
}

// Only sizes are compared at first. If the model still cannot be read, hashes are compared, once.
Pulled pull(const std::string& name, bool force, Progress* progress) {
  PullOptions options = default_pull_options();
  options.name = name;
  options.force = force;
  options.progress = progress;
  Pulled pulled{pull_with_bars(options), std::nullopt};
  bool implemented = true;
  const bool offline = options.settings.offline;
  std::optional<Error> problem = try_to_open(pulled, &implemented);
  if (problem && implemented && !offline && pulled.model.received() < pulled.model.size()) {
    options.verify = true;
    pulled.model = pull_with_bars(options);
    problem = try_to_open(pulled, &implemented);
  }
  if (problem && !force) refuse(pulled.model, *problem, offline);
  if (problem && (offline || pulled.model.warnings.empty()))
    pulled.model.warnings.push_back("it cannot be run here: " + std::string(problem->what()));
  for (const std::string& warning : pulled.model.warnings) warn(warning);
  return pulled;
}

Json to_json(const Pulled& pulled) {
  const auto& [model, session] = pulled;
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

void print_summary(const std::string& typed, const Pulled& pulled) {
  const auto& [model, session] = pulled;
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

Session open_or_pull(const SessionOptions& options) {
  std::string name;
  try {
    return Session(options);
  } catch (const Interrupted&) {
    throw;
  } catch (const NotImplemented&) {
    throw;
  } catch (const Error&) {
    name = name_to_pull(options.model);
    if (name.empty()) throw;
  }
  pull(name, false, options.progress);
  return Session(options);
}

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
      const Pulled pulled = pull(options->name, options->force, program.progress);
      if (options->json) return print_json(finish_document(to_json(pulled)));
      print_summary(options->name, pulled);
    };
  });
}

}  // namespace stratoscope::cli
