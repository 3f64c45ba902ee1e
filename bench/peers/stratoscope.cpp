// Stratoscope as a peer of the benchmarks: reads one JSON request per line and writes one JSON line for each.
// bench/peer.py describes the protocol.
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/experiments/bench.h"
#include "stratoscope/model/model.h"
#include "stratoscope/model/precision.h"
#include "stratoscope/ops/machine_limits.h"
#include "stratoscope/probe/captures.h"
#include "stratoscope/probe/generate.h"
#include "stratoscope/probe/sweep.h"
#include "stratoscope/session/session.h"
#include "stratoscope/text/tokenizer.h"
#include "stratoscope/version.h"

namespace stratoscope {
namespace {

using nlohmann::json;

template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <class T>
void write_numbers(const std::string& file, std::span<const T> values) {
  std::ofstream out(file, std::ios::binary);
  const auto bytes = std::as_bytes(values);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw Error("bench", file + " cannot be written");
}

class Peer {
 public:
  explicit Peer(Precision precision) { options_.precision = precision; }

  json answer(const json& request) {
    const auto does = actions_.find(request.at("do").get<std::string>());
    if (does == actions_.end()) throw Error("bench", "no such request: " + request.dump());
    return (this->*does->second)(request);
  }

 private:
  json hello(const json& request) {
    options_.threads = request.at("threads").get<int>();
    return {
        {"name", "Stratoscope"}, {"version", STRATOSCOPE_VERSION}, {"kernels", instruction_set_of(options_.precision)}};
  }

  json load(const json& request) {
    model_.reset();
    const double seconds =
        seconds_of([&] { model_.emplace(Model::load(request.at("model").get<std::string>(), options_)); });
    return {{"seconds", seconds}};
  }

  // The last run is kept, as by a user of the library. "keep" selects its values.
  json forward(const json& request) {
    RunRequest pass;
    pass.sequences = {request.at("ids").get<TokenIds>()};
    const std::string keep = request.value("keep", "hidden states");
    pass.hidden_states = keep == "hidden states";
    if (keep == "everything") pass.captures = everything();
    run_ = {};
    const double seconds = seconds_of([&] { run_ = model_->run(pass); });
    return {{"seconds", seconds}, {"operations", forward_operations(model_->config(), run_.rows())}};
  }

  // Every hook point except the heads' results, which need products of their own.
  std::vector<Capture> everything() const {
    std::vector<HookPoint> points = CaptureList({"*"}, model_->config()).points();
    std::erase_if(points, [](const HookPoint& point) { return point.hook == Hook::result; });
    return captures_of(points);
  }

  // From the prompt to the next token.
  json prompt(const json& request) {
    GenerateRequest text;
    text.prompt = request.at("ids").get<TokenIds>();
    text.max_new = request.value("count", std::size_t{1});
    Generation<float> generation;
    const double seconds = seconds_of([&] { generation = generate<float>(*model_, text); });
    TokenIds ids;
    for (const NewToken& token : generation.tokens) ids.push_back(token.id);
    return {{"seconds", seconds}, {"ids", ids}};
  }

  json save(const json& request) {
    const auto file = request.at("file").get<std::string>();
    write_numbers(file + ".hidden_states", std::as_const(run_.hidden_states).values());
    write_numbers(file + ".logits", std::as_const(run_.logits).values());
    return json::object();
  }

  json sweep_blocks(const json& request) {
    SweepRequest grid;
    grid.text = request.at("ids").get<TokenIds>();
    grid.edits = {"blocks.{layer}.hook_resid_post *= " + request.at("factor").dump()};
    grid.axes = {resolve_axis("layer=all", model_->config(), grid.text.size())};
    grid.targets = {request.at("target").get<TokenIds::value_type>()};
    SweepResult result;
    const double seconds = seconds_of([&] { result = sweep(*model_, grid); });
    return {{"seconds", seconds}, {"values", result.values}};
  }

  // A sweep over one text or several of its length, on the cone, and the operations within the cone.
  json grid(const json& request) {
    std::vector<SweepRequest> grids;
    const auto ids = request.at("ids").get<TokenIds>();
    for (std::size_t i = 0; i < request.value("prompts", std::size_t{1}); ++i) {
      SweepRequest& of = grids.emplace_back();
      of.text = ids;
      of.text[0] = static_cast<TokenIds::value_type>((static_cast<std::size_t>(ids[0]) + i) % model_->config().d_vocab);
      for (const auto& edit : request.at("edits")) of.edits.emplace_back(edit.get<std::string>());
      if (of.edits[0].text().ends_with("corrupt"))
        for (const auto id : of.text)
          of.corrupt.push_back(
              static_cast<TokenIds::value_type>((static_cast<std::size_t>(id) + 1) % model_->config().d_vocab));
      for (const auto& axis : request.at("axes"))
        of.axes.push_back(resolve_axis(axis.get<std::string>(), model_->config(), ids.size()));
      of.targets = {request.at("target").get<TokenIds::value_type>()};
    }
    SweepOperations operations;
    std::vector<SweepResult> results;
    const double seconds = seconds_of([&] { results = sweep_all(*model_, grids, {}, &operations); });
    json answer = {{"seconds", seconds}, {"operations", operations.done}};
    if (request.value("check", false)) {
      SweepOptions whole;
      whole.full_runs = true;
      const auto full = sweep_all(*model_, grids, whole);
      for (std::size_t i = 0; i < full.size(); ++i)
        if (results[i].values != full[i].values) throw Error("bench", "whole runs give other bits");
    }
    if (request.value("plan", false)) {
      const SweepPlan plan = plan_sweep(*model_, grids);
      answer["cells"] = plan.points;
      answer["required"] = plan.operations;
      answer["full"] = plan.full_operations;
    }
    return answer;
  }

  json limits(const json&) {
    const ThreadScope threads(options_.threads);
    json limits = {
        {"multiply_add", multiply_add_limit()}, {"stream", stream_limit()}, {"weights", model_->weight_bytes()}};
    if (const auto limit = bfloat16_limit()) limits["bfloat16"] = *limit;
    return limits;
  }

  json load_tokenizer(const json& request) {
    const double seconds =
        seconds_of([&] { tokenizer_.emplace(Tokenizer::load(request.at("folder").get<std::string>())); });
    texts_ = parse_json(read_text_file(request.at("texts").get<std::string>()), "bench", "texts")
                 .get<std::vector<std::string>>();
    return {{"seconds", seconds}};
  }

  json tokenize(const json& request) {
    TokenIds ids;
    const double seconds = seconds_of([&] {
      for (const std::string& text : texts_) {
        const Encoding encoding = tokenizer_->encode(text);
        ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
      }
    });
    if (request.contains("file")) write_numbers<TokenId>(request["file"].get<std::string>(), ids);
    return {{"seconds", seconds}, {"tokens", ids.size()}};
  }

  using Action = json (Peer::*)(const json&);
  const std::map<std::string, Action> actions_ = {
      {"hello", &Peer::hello},      {"load", &Peer::load},     {"forward", &Peer::forward},
      {"save", &Peer::save},        {"prompt", &Peer::prompt}, {"sweep", &Peer::sweep_blocks},
      {"grid", &Peer::grid},        {"limits", &Peer::limits}, {"load_tokenizer", &Peer::load_tokenizer},
      {"tokenize", &Peer::tokenize}};
  ModelOptions options_;
  std::optional<Model> model_;
  Run<float> run_;
  std::optional<Tokenizer> tokenizer_;
  std::vector<std::string> texts_;
};

void serve(Precision precision) {
  Peer peer(precision);
  for (std::string line; std::getline(std::cin, line);) std::cout << peer.answer(json::parse(line)).dump() << std::endl;
}

}  // namespace
}  // namespace stratoscope

// The only argument, if any, is a precision.
int main(int count, char** arguments) {
  try {
    stratoscope::serve(stratoscope::parse_precision(count > 1 ? arguments[1] : "fp32"));
  } catch (const std::exception& error) {
    std::cerr << "bench_peer: " << error.what() << '\n';
    return 1;
  }
}
