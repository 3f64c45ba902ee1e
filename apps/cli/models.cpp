#include <fmt/format.h>

#include <sstream>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/base/memory.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/known_models.h"
#include "stratoscope/hub/model_list.h"
#include "stratoscope/hub/remove_model.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/version.h"

namespace stratoscope::cli {
namespace {

Json to_json(const std::vector<ListedModel>& models) {
  Json json = {{"version", STRATOSCOPE_VERSION}, {"cache", hugging_face_cache().string()}, {"models", Json::array()}};
  for (const ListedModel& model : models) {
    Json entry = {{"name", model.name}, {"aliases", model.aliases},      {"built_in", model.built_in},
                  {"family", nullptr},  {"parameters", nullptr},         {"dtype", nullptr},
                  {"memory", nullptr},  {"bytes", model.bytes},          {"revisions", model.revisions},
                  {"commit", nullptr},  {"path", model.folder.string()}, {"runs", model.problem.empty()},
                  {"problem", nullptr}};
    if (!model.family.empty()) entry["family"] = model.family;
    if (model.parameters) entry["parameters"] = *model.parameters;
    if (!model.dtype.empty()) entry["dtype"] = model.dtype;
    if (model.memory) entry["memory"] = {{"fp32", model.memory->fp32}, {"bf16", model.memory->bf16}};
    if (!model.commit.empty()) entry["commit"] = model.commit;
    if (!model.problem.empty()) entry["problem"] = model.problem + (model.hint.empty() ? "" : "; " + model.hint);
    json["models"].push_back(entry);
  }
  return json;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string revision_text(const ListedModel& model) {
  constexpr std::size_t kShortCommit = 7;
  if (model.built_in) return "built in";
  const std::string names = joined(model.revisions);
  return names + (names.empty() || model.commit.empty() ? "" : " ") + model.commit.substr(0, kShortCommit);
}

// The table's rows, each followed by the model's folder and the reason why it cannot be run.
void print_table(const std::vector<ListedModel>& models) {
  Table table({"name", "family", ">parameters", "dtype", ">size", ">memory", "revision", "runs"});
  for (const ListedModel& model : models) {
    const std::string aliases = joined(model.aliases);
    table.add({model.name + (aliases.empty() ? "" : " (" + aliases + ")"), model.family,
               model.parameters ? fmt::format("{}", *model.parameters) : "", model.dtype, size_text(model.bytes),
               model.memory ? memory_text(model.memory->fp32) : "", revision_text(model),
               model.problem.empty() ? "yes" : "no"});
  }
  std::istringstream lines(table.text());
  std::string line;
  std::getline(lines, line);
  print("{}\n", line);
  for (const ListedModel& model : models) {
    std::getline(lines, line);
    print("{}\n      {}\n", line, model.folder.string());
    if (!model.problem.empty()) print("      {}\n", model.problem + (model.hint.empty() ? "" : "; " + model.hint));
  }
  if (models.empty()) print("no models; 'stratoscope pull gpt2' downloads one\n");
}

void add_remove(CLI::App& models, Program& program) {
  struct Options {
    std::string name;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *models.add_subcommand("remove", "remove a model from the Hugging Face cache");
  command.add_option("NAME", options->name, "its name; with @REVISION only that revision")->required()->type_name("");
  command.add_flag("--json", options->json, "print one JSON document");
  command.callback([options, &program] {
    program.action = [options] {
      const RemovedModel removed = remove_model(options->name);
      if (options->json)
        return print_json(finish_document({{"version", STRATOSCOPE_VERSION},
                                           {"removed", removed.name},
                                           {"commits", removed.commits},
                                           {"freed", removed.freed},
                                           {"kept", removed.kept},
                                           {"left", removed.left}}));
      print("{}: {} freed", removed.name, size_text(removed.freed));
      print("{}\n", removed.kept > 0 ? ", " + size_text(removed.kept) + " kept for other models or revisions" : "");
      for (const std::string& name : removed.left) warn(in_quotes(name) + " is not part of a model and was kept");
    };
  });
}

}  // namespace

void add_models(CLI::App& app, Program& program) {
  auto json = std::make_shared<bool>(false);
  CLI::App& command = *app.add_subcommand("models", "the models on this machine; 'models remove NAME' removes one");
  command.add_flag("--json", *json, "print one JSON document");
  add_remove(command, program);
  command.callback([json, &command, &program] {
    if (!command.get_subcommands().empty()) return;
    program.action = [json] {
      const std::vector<ListedModel> models = list_models();
      if (*json) return print_json(finish_document(to_json(models)));
      print_table(models);
    };
  });
}

}  // namespace stratoscope::cli
