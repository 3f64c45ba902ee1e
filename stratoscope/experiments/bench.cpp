#include "stratoscope/experiments/bench.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "stratoscope/analysis/statistics.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/model/pass/weights.h"
#include "stratoscope/model/pass/widths.h"
#include "stratoscope/ops/machine_limits.h"
#include "stratoscope/probe/sweep.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope {
namespace {

template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <class Work>
double median_seconds(std::size_t repeat, const Progress* progress, const Work& work) {
  work();  // warm-up: pages, caches, first creation of each kernel
  std::vector<double> seconds;
  for (std::size_t i = 0; i < repeat; ++i) {
    if (progress != nullptr) progress->throw_if_cancelled();
    seconds.push_back(seconds_of(work));
  }
  return median(seconds);
}

std::size_t resident_bytes() {
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// Different tokens, the same ones in every call.
TokenIds some_tokens(std::size_t count, std::size_t vocabulary) {
  TokenIds ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(static_cast<TokenIds::value_type>(i * 7919 % vocabulary));
  return ids;
}

TimedRun time_length(const Model& model, std::size_t tokens, std::size_t repeat, const Progress* progress) {
  RunRequest pass;
  pass.sequences = {some_tokens(tokens, model.config().d_vocab)};
  TimedRun timed;
  timed.tokens = tokens;
  timed.forward_s = median_seconds(repeat, progress, [&] { model.run(pass); });
  timed.gflops = 1e-9 * forward_operations(model.config(), tokens) / timed.forward_s;
  pass.hidden_states = false;
  pass.logits = LogitRows::last;
  timed.prompt_s = median_seconds(repeat, progress, [&] { model.run(pass); });
  SweepRequest sweep_request;
  sweep_request.text = pass.sequences[0];
  sweep_request.edits = {"blocks.{layer}.hook_resid_post *= 0.8"};
  sweep_request.axes = {resolve_axis("layer=all", model.config(), tokens)};
  sweep_request.targets = {0};
  timed.sweep_s = median_seconds(repeat, progress, [&] { sweep(model, sweep_request); });
  return timed;
}

}  // namespace

double forward_operations(const ModelConfig& config, std::size_t tokens) {
  double operations = logit_operations(tokens, config);
  for (const BlockSpec& block : config.blocks) {
    const RowOperations row = row_operations(block, config.d_model);
    operations += static_cast<double>(tokens) * (row.qkv + row.o + row.mlp_in + row.down);
    for (std::size_t position = 0; position < tokens; ++position)
      operations += key_operations(block.attention) * static_cast<double>(keys_seen(block.attention, position));
  }
  return operations;
}

double matrix_peak_gflops(const ModelConfig& config, Precision precision, std::size_t repeat,
                          const Progress* progress) {
  constexpr std::size_t kRows = 1024;
  const std::size_t in = config.d_model, out = std::max(config.d_vocab, config.d_mlp());
  const Tensor weights = Tensor::zeros({in, out}), x = Tensor::zeros({kRows, in});
  Tensor y({kRows, out});
  const PackedMatrix matrix(weights.data(), in, out, WeightLayout::in_out, nullptr, arithmetic_of(precision).value());
  const double seconds = median_seconds(repeat, progress, [&] { matrix.multiply(x.matrix(), y.matrix()); });
  return 2e-9 * static_cast<double>(kRows) * static_cast<double>(in) * static_cast<double>(out) / seconds;
}

Timing bench(const Session& session, const TimingRequest& request) {
  if (session.precision() == Precision::fp64)
    throw Error("bench", "fp64 is a reference, not made for speed", "leave out --precision fp64");
  if (request.repeat == 0) throw Error("bench", "--repeat 0 measures nothing", "give 1 or more");
  for (const std::size_t tokens : request.tokens)
    if (tokens == 0 || tokens > session.config().n_ctx)
      throw Error("bench", std::to_string(tokens) + " tokens are out of range",
                  "this model reads 1 to " + std::to_string(session.config().n_ctx));
  Timing timing;
  timing.load_s = seconds_of([&] { session.model(); });
  const Model& model = session.model();
  timing.threads = model.threads();
  const ThreadScope threads(model.threads());
  for (std::size_t i = 0; i < request.tokens.size(); ++i) {
    if (session.progress() != nullptr) {
      session.progress()->throw_if_cancelled();
      session.progress()->update("bench", i, request.tokens.size() + 1);
    }
    timing.runs.push_back(time_length(model, request.tokens[i], request.repeat, session.progress()));
  }
  timing.resident_bytes = resident_bytes();
  timing.peak_gflops = matrix_peak_gflops(model.config(), model.precision(), request.repeat, session.progress());
  timing.multiply_add_gflops = 1e-9 * multiply_add_limit(session.progress());
  if (const auto limit = bfloat16_limit(session.progress())) timing.bfloat16_gflops = 1e-9 * *limit;
  timing.stream_bytes_per_s = stream_limit(session.progress());
  if (session.progress() != nullptr)
    session.progress()->update("bench", request.tokens.size() + 1, request.tokens.size() + 1);
  return timing;
}

Document to_json(const Session& session, const Timing& timing) {
  Json json = begin_document(session);
  json["threads"] = timing.threads;
  json["load_s"] = timing.load_s;
  json["resident_bytes"] = timing.resident_bytes;
  json["peak_gflops"] = timing.peak_gflops;
  json["multiply_add_gflops"] = timing.multiply_add_gflops;
  if (timing.bfloat16_gflops) json["bfloat16_gflops"] = *timing.bfloat16_gflops;
  json["stream_bytes_per_s"] = timing.stream_bytes_per_s;
  json["runs"] = Json::array();
  for (const TimedRun& run : timing.runs)
    json["runs"].push_back({{"tokens", run.tokens},
                            {"forward_s", run.forward_s},
                            {"prompt_s", run.prompt_s},
                            {"gflops", run.gflops},
                            {"sweep_s", run.sweep_s}});
  return finish_document(json);
}

Figure figure_of(const Timing& timing) {
  Panel panel;
  panel.x = {"tokens", {}, std::nullopt, false};
  panel.y = {"milliseconds", {}, std::nullopt, true};
  Line forward{"all hidden states and logits", {}, {}, true}, prompt{"last logits only", {}, {}, true},
      sweep_line{"sweep over all blocks", {}, {}, true};
  for (const TimedRun& run : timing.runs) {
    for (Line* line : {&forward, &prompt, &sweep_line}) line->x.push_back(static_cast<double>(run.tokens));
    forward.y.push_back(1e3 * run.forward_s);
    prompt.y.push_back(1e3 * run.prompt_s);
    sweep_line.y.push_back(1e3 * run.sweep_s);
  }
  panel.marks = {forward, prompt, sweep_line};
  return {"Time by length of the text", "Medians in process, after a warm-up.", "", {panel}, 1, std::nullopt};
}

}  // namespace stratoscope
