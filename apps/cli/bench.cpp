#include "stratoscope/experiments/bench.h"

#include <fmt/format.h>

#include <limits>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"

namespace stratoscope::cli {
namespace {

std::string milliseconds(double seconds) { return fmt::format("{:.2f} ms", 1e3 * seconds); }

std::vector<std::size_t> default_lengths(std::size_t n_ctx) {
  std::vector<std::size_t> lengths = {22, 128, 512};
  std::erase_if(lengths, [&](std::size_t length) { return length > n_ctx; });
  if (lengths.empty()) lengths = {n_ctx};
  return lengths;
}

void print_result(const Session& session, const Timing& timing) {
  print("{}, {} threads\n", session.model_name(), timing.threads);
  // The limit of fp32 is that of multiply-adds, and so is that of bf16 on a processor without bfloat16 products.
  const double limit = session.precision() == Precision::bf16 && timing.bfloat16_gflops ? *timing.bfloat16_gflops
                                                                                        : timing.multiply_add_gflops;
  const auto share = [&](double gflops) { return fmt::format("{:.0f} %", 100 * gflops / limit); };
  print("loaded in {}, {:.0f} MiB resident\n", milliseconds(timing.load_s),
        static_cast<double>(timing.resident_bytes) / (1 << 20));
  print("limits: {:.0f} GFLOP/s of float32 multiply-adds on registers, {}, {:.1f} GB/s read from memory\n",
        timing.multiply_add_gflops,
        timing.bfloat16_gflops ? fmt::format("{:.0f} of bfloat16", *timing.bfloat16_gflops)
                               : "bfloat16 is widened to float32",
        1e-9 * timing.stream_bytes_per_s);
  print("largest product {:.0f} GFLOP/s, {} of its limit\n\n", timing.peak_gflops, share(timing.peak_gflops));
  Table table({">tokens", ">all states, all logits", ">GFLOP/s", ">of limit", ">last logits", ">sweep over blocks"});
  for (const TimedRun& run : timing.runs)
    table.add({std::to_string(run.tokens), milliseconds(run.forward_s), fmt::format("{:.0f}", run.gflops),
               share(run.gflops), milliseconds(run.prompt_s), milliseconds(run.sweep_s)});
  print(table.text());
}

}  // namespace

void add_bench(CLI::App& app, Program& program) {
  struct Options {
    CommonOptions common;
    FigureOptions figure;
    std::vector<std::size_t> tokens;
    std::size_t repeat = 5;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("bench", "times this machine: medians in process, after a warm-up");
  add_model_options(command, options->common);
  add_figure_options(command, options->figure);
  command
      .add_option("--tokens", options->tokens,
                  "lengths of the prompts (default: 22,128,512, up to the model's context)")
      ->delimiter(',')
      ->check(CLI::Range(1, std::numeric_limits<int>::max()))
      ->type_name("N,…");
  command.add_option("--repeat", options->repeat, "number of timed runs of each")
      ->check(CLI::Range(1, std::numeric_limits<int>::max()))
      ->capture_default_str()
      ->type_name("R");
  command.callback([options, &program] {
    program.action = [options, &program] {
      check_figure(options->figure);
      const Session session = open_session(options->common, program);
      const auto lengths = options->tokens.empty() ? default_lengths(session.config().n_ctx) : options->tokens;
      const Timing timing = bench(session, {lengths, options->repeat});
      write_figure(options->figure, figure_of(timing), session.progress());
      if (options->common.json) return print_json(to_json(session, timing));
      print_result(session, timing);
    };
  });
}

}  // namespace stratoscope::cli
