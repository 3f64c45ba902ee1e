#include "stratoscope/experiments/distributions.h"

#include <fmt/format.h>

#include <cmath>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

void print_hook(const HookDistributions& hook, const char* run) {
  const auto& edges = hook.blocks.front().histogram.edges();
  print("{}{}: {} bins from {} to {}\n", hook.label, run, edges.size() - 1, short_number(edges.front()),
        short_number(edges.back()));
  Table table({"block", ">values", ">mean", ">variance", ">kurtosis", ">zeros", ">min", ">max", ">outside"});
  for (const Distribution& each : hook.blocks) {
    const Moments& of = each.moments;
    const double kurtosis = of.excess_kurtosis();
    table.add({each.block ? block_label(*each.block) : each.hook_point, std::to_string(of.count()),
               short_number(of.mean()), short_number(of.variance()),
               std::isnan(kurtosis) ? "–" : short_number(kurtosis), fmt::format("{:.3g} %", of.zeros() * 100),
               short_number(of.min()), short_number(of.max()),
               std::to_string(each.histogram.below() + each.histogram.above())});
  }
  print(table.text());
  print("\n");
}

void print_result(const Session& session, const DistributionsRequest&, const Distributions& result) {
  print_header(session, result.text);
  const bool compares = !result.clean.empty();
  for (const HookDistributions& hook : result.clean) print_hook(hook, ", clean");
  for (const HookDistributions& hook : result.hooks) print_hook(hook, compares ? ", edited" : "");
  print("kurtosis is the excess over that of a normal distribution\n");
  print_effect(result.effect);
}

}  // namespace

Presentation present_distributions() { return present<DistributionsRequest, Distributions>(print_result); }

}  // namespace stratoscope::cli
