#include "apps/cli/pull.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "stratoscope/base/error.h"
#include "stratoscope/experiment/json_document.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/download/pull.h"
#include "stratoscope/hub/known_models.h"
#include "stratoscope/version.h"

namespace stratoscope::cli {
namespace {

// Takes the bars away before anything else is printed.
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

PulledModel pull(const std::string& name, bool force, Progress* progress) {
  PullOptions options = default_pull_options();
  options.name = name;
  options.force = force;
  options.progress = progress;
  PulledModel model = pull_with_bars(options);
  for (const std::string& warning : model.warnings) warn(warning);
  return model;
}

// The pulled model as other commands will open it; nothing, with a warning, where they cannot.
std::optional<Session> try_to_open(const PulledModel& model) {
  try {
    SessionOptions options;
    options.model = model.folder.string();
    return Session(options);
  } catch (const Error& error) {
    if (model.warnings.empty()) warn(fmt::format("it cannot be run here: {}", error.what()));
    return std::nullopt;
  }
}

Json to_json(const PulledModel& model, const std::optional<Session>& session) {
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

void print_summary(const std::string& typed, const PulledModel& model, const std::optional<Session>& session) {
  constexpr std::size_t kShortCommit = 12;
  print("{} at {} ({}): {} files, {}, ", model.repository, model.revision, model.commit.substr(0, kShortCommit),
        model.files.size(), size_text(model.size()));
  if (model.received() == 0)
    print("all there already\n");
  else if (model.received() == model.size())
    print("downloaded\n");
  else
    print("{} of them downloaded\n", size_text(model.received()));
  print("  {}\n", model.folder.string());
  if (session) print("try it: stratoscope demo --model {}\n", typed);
}

}  // namespace

void pull_if_missing(const std::string& name, Progress* progress) {
  try {
    find_model(name);
    return;
  } catch (const Error&) {
    const ModelName asked = split_model_name(name);
    std::error_code ignored;
    const bool is_path =
        std::filesystem::exists(name, ignored);  // which would be found again, and not be a model again
    if (is_path || !is_repository_name(asked.repository) || !is_revision(asked.revision)) throw;
  }
  pull(name, false, progress);
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
  command.add_flag("--force", options->force, "also a model that this program cannot run");
  command.add_flag("--json", options->json, "print one JSON document");
  command.callback([options, &program] {
    program.action = [options, &program] {
      const PulledModel model = pull(options->name, options->force, program.progress);
      const std::optional<Session> session = try_to_open(model);
      if (options->json) return print_json(finish_document(to_json(model, session)));
      print_summary(options->name, model, session);
    };
  });
}

}  // namespace stratoscope::cli
