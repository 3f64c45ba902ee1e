// An experiment of two fields as a command: help, completions, manual page, a run, its record and a replay.
#include "tests/support/two_fields.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.h"
#include "apps/cli/completion.h"
#include "apps/cli/manual.h"
#include "apps/cli/option_table.h"
#include "apps/cli/record.h"
#include "tests/base/temporary_folder.h"
#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"

namespace stratoscope::cli {
namespace {

using stratoscope::testing::TemporaryFolder;

const std::string kModel = (test::kSource / "models/novella-7m").string();

std::vector<Experiment> experiments_and_one_more() {
  std::vector<Experiment> experiments = all_experiments();
  experiments.push_back(test::two_fields());
  return experiments;
}

// The program, with one experiment more.
class CommandLine {
 public:
  explicit CommandLine(std::vector<Experiment> experiments = experiments_and_one_more()) {
    program_.experiments = std::move(experiments);
    app_.require_subcommand(1);
    app_.formatter(help_formatter());
    add_commands(app_, program_);
  }

  const CLI::App& app() const { return app_; }

  // Its standard output.
  std::string run(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    app_.parse(arguments);
    program_.command = app_.get_subcommands()[0];
    ::testing::internal::CaptureStdout();
    try {
      program_.action();
    } catch (...) {
      ::testing::internal::GetCapturedStdout();
      throw;
    }
    return ::testing::internal::GetCapturedStdout();
  }

 private:
  CLI::App app_{"a program", "stratoscope"};
  Program program_;
};

CommandEntry entry_of(const OptionTable& table, const std::string& command) {
  for (const CommandEntry& entry : table.commands)
    if (entry.name == command) return entry;
  return {};
}

std::vector<std::string> names_of(const CommandEntry& command) {
  std::vector<std::string> names;
  for (const OptionEntry& option : command.options) names.push_back(option.names.back());
  return names;
}

TEST(TwoFieldsCommand, OptionsAndDefaultsStandInHelp) {
  const CommandLine line;
  const CommandEntry command = entry_of(option_table(line.app()), "longest");
  EXPECT_EQ(command.description, "the longest tokens of a text");
  EXPECT_EQ(command.text, "the text that is measured");
  EXPECT_EQ(names_of(command),
            (std::vector<std::string>{"--help", "--model", "--pull", "--precision", "--threads", "--json", "--figure",
                                      "--theme", "--range", "--top", "--record"}));
  const OptionEntry& top = command.options[9];
  EXPECT_EQ(top.value, "K");
  EXPECT_EQ(top.default_value, "3");
  EXPECT_EQ(top.description, "how many tokens are named");
  const std::string help = line.app().get_subcommand("longest")->help();
  EXPECT_NE(help.find("  --top K [3]  "), std::string::npos) << help;
  EXPECT_NE(line.app().help().find("  longest  "), std::string::npos);
}

// The lines of the text that hold all of the words.
std::size_t lines_with(const std::string& text, const std::vector<std::string>& words) {
  std::size_t count = 0;
  for (const std::string& line : CLI::detail::split(text, '\n'))
    count += std::all_of(words.begin(), words.end(),
                         [&](const std::string& word) { return line.find(word) != std::string::npos; })
                 ? 1
                 : 0;
  return count;
}

TEST(TwoFieldsCommand, StandsInEveryCompletion) {
  const CommandLine with, without(all_experiments());
  const OptionTable table = option_table(with.app()), others = option_table(without.app());
  EXPECT_EQ(lines_with(bash_completion(table), {"longest)", "--model", "--top", "--record"}), 1U);
  EXPECT_EQ(lines_with(bash_completion(table), {"demo info", " longest "}), 1U);
  EXPECT_EQ(lines_with(zsh_completion(table), {"'longest:the longest tokens of a text'"}), 1U);
  EXPECT_EQ(lines_with(zsh_completion(table), {"--top=[how many tokens are named]:K:"}), 1U);
  EXPECT_EQ(lines_with(fish_completion(table), {"-a longest", "the longest tokens of a text"}), 1U);
  EXPECT_EQ(lines_with(fish_completion(table), {"from longest'", "-l top -x", "how many tokens are named"}), 1U);
  for (const auto completion : {bash_completion, zsh_completion, fish_completion})
    EXPECT_EQ(completion(others).find("longest tokens"), std::string::npos);
}

TEST(TwoFieldsCommand, StandsInTheManualPage) {
  const std::string page = manual_page(option_table(CommandLine().app()));
  const auto section = page.find(".SS stratoscope longest [options] [TEXT]\nthe longest tokens of a text\n");
  ASSERT_NE(section, std::string::npos);
  const std::string text = page.substr(section, page.find(".SS", section + 1) - section);
  EXPECT_NE(text.find("\"\\-\\-top\" \" \" \"K\"\nhow many tokens are named\n(default: 3)"), std::string::npos) << text;
}

TEST(TwoFieldsCommand, PrintsItsDocument) {
  const std::string printed =
      CommandLine().run({"longest", "--json", "--model", kModel, "--top", "2", test::kPenguins});
  const nlohmann::json document = nlohmann::json::parse(printed);
  EXPECT_EQ(document["tokens"], nlohmann::json({" Penguins", " wise"}));
  EXPECT_EQ(CommandLine().run({"longest", "--model", kModel, "--top=2", test::kPenguins}), printed)
      << "people read it too, where nothing else is made for them";
}

TEST(TwoFieldsCommand, RefusesWhatIsNoValue) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"longest", "a", "--top", "0"},
                                                {"longest", "a", "--top", "x"},
                                                {"longest", "a", "--tops", "1"}})
    EXPECT_THROW(CommandLine().run(wrong), CLI::ParseError) << wrong[2];
}

TEST(TwoFieldsCommand, DrawsItsFigure) {
  const TemporaryFolder folder;
  const std::string file = (folder / "longest.vl.json").string();
  CommandLine().run({"longest", "--model", kModel, "--figure", file, test::kPenguins});
  EXPECT_NE(stratoscope::testing::bytes_of(file).find("The longest tokens"), std::string::npos);
}

TEST(TwoFieldsCommand, IsRecordedAndReplayed) {
  const TemporaryFolder folder;
  const std::string file = (folder / "longest.json").string();
  const std::string printed =
      CommandLine().run({"longest", "--json", "--record", file, "--model", kModel, "--top", "2", test::kPenguins});
  const Record record = read_record(file, experiments_and_one_more());
  EXPECT_EQ(record.command, "longest");
  EXPECT_EQ(record.arguments,
            (std::vector<std::string>{"longest", "--model=" + kModel, "--top=2", "--", test::kPenguins}));
  EXPECT_EQ(nlohmann::json::parse(record.result)["tokens"], nlohmann::json::parse(printed)["tokens"]);
  const nlohmann::json replayed = nlohmann::json::parse(CommandLine().run({"replay", "--json", file}));
  EXPECT_EQ(replayed["same"], true);
  EXPECT_EQ(replayed["result"]["tokens"], nlohmann::json({" Penguins", " wise"}));
  EXPECT_TRUE(test::refuses([&] { read_record(file, all_experiments()); }, "there is no command 'longest'"));
}

TEST(TwoFieldsCommand, AReplayFindsAnotherResult) {
  const TemporaryFolder folder;
  const std::string file = (folder / "longest.json").string();
  CommandLine().run({"longest", "--record", file, "--model", kModel, test::kPenguins});
  std::string record = stratoscope::testing::bytes_of(file);
  const auto result = record.rfind(" wise");
  ASSERT_NE(result, std::string::npos);
  folder.file("longest.json", record.replace(result, 5, " wide"));
  EXPECT_TRUE(test::refuses([&] { CommandLine().run({"replay", file}); }, "1 of the results differ from the record"));
}

}  // namespace
}  // namespace stratoscope::cli
