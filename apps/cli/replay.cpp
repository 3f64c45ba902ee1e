#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/names.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/version.h"

namespace stratoscope::cli {
namespace {

struct Difference {
  std::string place;  // "/results/3/value"
  std::string recorded, now;
};

// Every place where two documents differ, except warnings and the names of the version, instruction set and model.
void compare(const Json& recorded, const Json& now, const std::string& place, std::vector<Difference>& found) {
  throw_if_cancelled();
  if (place == "/version" || place == "/isa" || place == "/model/name" || place == "/warnings") return;
  if (recorded.is_object() && now.is_object()) {
    for (const auto& [key, value] : recorded.items())
      compare(value, now.contains(key) ? now[key] : Json(), place + "/" + key, found);
    for (const auto& [key, value] : now.items())
      if (!recorded.contains(key)) compare(Json(), value, place + "/" + key, found);
    return;
  }
  if (recorded.is_array() && now.is_array() && recorded.size() == now.size()) {
    for (std::size_t i = 0; i < recorded.size(); ++i)
      compare(recorded[i], now[i], place + "/" + std::to_string(i), found);
    return;
  }
  if (recorded != now) found.push_back({place, recorded.dump(), now.dump()});
}

Document run_again(const Record& record, const Program& program) {
  CLI::App app;
  Program again;
  again.progress = program.progress;
  again.experiments = program.experiments;
  std::optional<Document> result;
  again.sink = [&](const Document& document) { result = document; };
  app.require_subcommand(1);
  add_commands(app, again);
  const auto commands =
      app.get_subcommands([&](const CLI::App* command) { return command->get_name() == record.command; });
  std::vector<std::string> arguments(record.arguments.rbegin(), record.arguments.rend());  // the order of CLI11
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    throw Error("replay", std::string("this version does not take the record's options: ") + error.what());
  }
  again.command = commands[0];
  again.action();
  return *result;
}

void replay(const std::filesystem::path& file, bool json, const Program& program) {
  const Record record = read_record(file, program.experiments);
  const std::string hash = Session({record.model, Precision::fp32, 0, nullptr}).model_hash();
  if (hash != record.model_hash)
    throw Error("replay",
                "the record is of another " + in_quotes(record.model) + ": its hash is " + record.model_hash +
                    ", this one's is " + hash,
                "results of different models cannot be the same");
  const Document again = run_again(record, program);
  const Json& result = json_of(again);
  const std::string isa = result.at("isa");
  std::vector<Difference> differences;
  compare(parse_ordered_json(record.result, "replay", "record"), result, "", differences);
  if (json) {
    Json all = Json::array();
    for (const Difference& one : differences)
      all.push_back({{"place", one.place},
                     {"recorded", parse_ordered_json(one.recorded, "replay", "record")},
                     {"now", parse_ordered_json(one.now, "replay", "result")}});
    print_json(finish_document({{"version", STRATOSCOPE_VERSION},
                                {"isa", isa},
                                {"recorded", {{"version", record.version}, {"isa", record.isa}}},
                                {"command", record.command},
                                {"same", differences.empty()},
                                {"differences", all},
                                {"result", result}}));
  } else {
    print(fmt::format("{} on {}, recorded by version {} with {}\n", record.command, record.model, record.version,
                      record.isa));
    if (differences.empty()) print("the results are the same, bit for bit\n");
    constexpr std::size_t kMost = 10;
    for (std::size_t i = 0; i < std::min(kMost, differences.size()); ++i)
      print(fmt::format("  {}: {} was {}\n", differences[i].place, differences[i].now, differences[i].recorded));
  }
  if (!differences.empty())
    throw Error("replay", fmt::format("{} of the results differ from the record", differences.size()),
                record.isa == isa && record.version == STRATOSCOPE_VERSION
                    ? ""
                    : fmt::format("it was made by version {} with {}, this is {} with {}", record.version, record.isa,
                                  STRATOSCOPE_VERSION, isa));
}

}  // namespace

void add_replay(CLI::App& app, Program& program) {
  struct Options {
    std::string file;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      *app.add_subcommand("replay", "run a recorded experiment again, and compare the results bit for bit");
  command.add_option("FILE", options->file, "a file that --record wrote")->required()->type_name("");
  command.add_flag("--json", options->json, "print one JSON document");
  command.callback(
      [options, &program] { program.action = [options, &program] { replay(options->file, options->json, program); }; });
}

}  // namespace stratoscope::cli
