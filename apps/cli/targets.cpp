#include "apps/cli/targets.h"

namespace stratoscope::cli {

void add_targets(CLI::App& command, TargetOptions& options, const std::string& help) {
  const auto repeatable = [](CLI::Option* option) { option->expected(1)->allow_extra_args(false)->take_all(); };
  repeatable(command.add_option("--target", options.texts, help)->type_name("T"));
  repeatable(command.add_option("--target-id", options.ids, "the same as an id")->type_name("N"));
}

void add_metric(CLI::App& command, std::string& metric) {
  command.add_option("--metric", metric, "what is read")
      ->capture_default_str()
      ->type_name("log_prob|prob|rank|logit|logit_diff|kl|entropy");
}

void take_targets_in_order(const CLI::App& command, TargetOptions& options) {
  std::size_t text = 0, id = 0;
  for (const CLI::Option* option : command.parse_order()) {
    if (option->check_name("--target")) options.in_order.push_back({options.texts[text++], std::nullopt});
    if (option->check_name("--target-id")) options.in_order.push_back({"", options.ids[id++]});
  }
}

}  // namespace stratoscope::cli
