// Sweeps on the causal cone of random descriptions, and of those with the shape of known families, against one whole
// run for each grid point: the same bits, and as many operations as were planned.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "stratoscope/probe/sweep.h"
#include "tests/support/described_model.h"
#include "tests/support/random_description.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

struct Prompted : test::DescribedModel {
  Prompted(const ModelConfig& described, std::uint64_t seed)
      : DescribedModel(described, seed), model(open()), random(seed) {}

  SweepRequest prompt(std::size_t positions) {
    SweepRequest request;
    request.text = test::random_ids(random, positions, config().d_vocab);
    request.corrupt = test::random_ids(random, positions, config().d_vocab);
    request.targets = {static_cast<std::int32_t>(random.below(config().d_vocab))};
    return request;
  }
  std::string pick(const std::vector<std::string>& from) { return from[random.below(from.size())]; }

  Model model;
  test::Random random;
};

void expect_the_whole_runs_numbers(const SweepResult& cone, const SweepResult& full, const std::string& name) {
  SCOPED_TRACE(name);
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  EXPECT_EQ(cone.clean, full.clean);
  ASSERT_EQ(cone.values.size(), full.values.size());
  for (std::size_t i = 0; i < full.values.size(); ++i) {
    EXPECT_PRED2(same, cone.values[i], full.values[i]) << "cell " << i;
    EXPECT_PRED2(same, cone.effects[i].max_change, full.effects[i].max_change) << "cell " << i;
    EXPECT_PRED2(same, cone.effects[i].kl, full.effects[i].kl) << "cell " << i;
  }
}

class Sweeps {
 public:
  explicit Sweeps(const Model& model) : model_(model) {}

  void add(SweepRequest request) {
    std::string name = std::to_string(request.text.size()) + " tokens";
    for (const EditTemplate& edit : request.edits) name += "; " + edit.text();
    names_.push_back(name + (request.whole ? "; whole" : ""));
    requests_.push_back(std::move(request));
  }

  void expect_cone_is_full() const {
    SweepOperations operations;
    SweepOptions whole;
    whole.full_runs = true;
    const auto cone = sweep_all(model_, requests_, {}, &operations), full = sweep_all(model_, requests_, whole);
    ASSERT_EQ(cone.size(), requests_.size());
    std::size_t changed = 0;
    for (std::size_t i = 0; i < full.size(); ++i) {
      expect_the_whole_runs_numbers(cone[i], full[i], names_[i]);
      changed += full[i].effect.max_change > 0 ? 1 : 0;
    }
    EXPECT_GE(2 * changed, full.size()) << "too few edits changed anything";
    const SweepPlan plan = plan_sweep(model_, requests_);
    EXPECT_DOUBLE_EQ(plan.operations, operations.done);
    EXPECT_DOUBLE_EQ(operations.required, operations.done);
    EXPECT_DOUBLE_EQ(plan.full_operations, operations.whole);
  }

 private:
  const Model& model_;
  std::vector<SweepRequest> requests_;
  std::vector<std::string> names_;
};

// The hook points of a hook, as one template if it is in a block, and their common properties.
struct SweptHook {
  const HookInfo* info;
  std::vector<std::size_t> layers;
  std::size_t heads = 1;  // the least of any block
  bool all_have_heads = true;

  std::string name() const { return (info->scope == Scope::block ? "blocks.{layer}." : "") + std::string(info->name); }
  std::string layer_axis() const {
    std::string axis = "layer=";
    for (const std::size_t layer : layers) axis += (axis.back() == '=' ? "" : ",") + std::to_string(layer);
    return axis;
  }
  bool has_heads() const { return all_have_heads; }
  bool has_keys() const { return info->has_axis(HookAxis::key); }
};

std::vector<SweptHook> swept_hooks(const ModelConfig& config) {
  std::map<Hook, SweptHook> hooks;
  for (const HookPoint point : all_hook_points(config)) {
    const HookInfo& info = info_of(point.hook);
    SweptHook& hook = hooks[point.hook];
    hook.all_have_heads &= has_axis(point, HookAxis::head, config);
    const std::size_t heads = heads_of(point, config);
    hook.heads = hook.layers.empty() ? heads : std::min(hook.heads, heads);
    hook.info = &info;
    hook.layers.push_back(point.layer);
  }
  std::vector<SweptHook> list;
  for (const auto& [hook, swept] : hooks) list.push_back(swept);
  return list;
}

std::vector<std::string> selectors_of_hook(const SweptHook& hook) {
  std::vector<std::string> selectors = {"", "[4]", "[-1]", "[0]", "[2:5,-1]"};
  const std::string head = std::to_string(hook.heads - 1);
  if (hook.has_heads()) {
    selectors.push_back(".head[" + head + "]");
    selectors.emplace_back(hook.heads > 1 ? "[3].head[0,-1]" : "[3].head[0]");
  }
  if (hook.has_keys())
    selectors.insert(selectors.end(), {".key[2]", "[4:].head[0].key[0,3]"});
  else
    selectors.insert(selectors.end(),
                     {".dim[0]", hook.info->axes.back() == HookAxis::one ? "[1].dim[0]" : "[1].dim[0,-1]", ".top[10%]",
                      "[1:].bottom[1]", "[2:5].random[30%, seed=4]"});
  return selectors;
}

std::vector<std::string> operations_of_hook(const SweptHook& hook) {
  std::vector<std::string> operations = {"*= 0.5", "+= 0.75", "= 1.25", "= corrupt", "= corrupt[3]", "*= 1"};
  operations.insert(operations.end(), {"= 0.3 * corrupt + 0.7 * clean", "+= 2 * noise(0.3, 5) - 0.1"});
  if (hook.has_keys()) return operations;
  operations.insert(operations.end(), {"= mean", "= 0.5 * median - mean(dim) + 2", "*= median(dim) + clean"});
  if (hook.info->axes.back() != HookAxis::one) operations.emplace_back("without corrupt");
  return operations;
}

// The component along a vector of one number is not a thing to remove.
bool makes_sense(const std::string& selector, const std::string& operation) {
  const bool chooses_numbers = selector.find(".dim") != std::string::npos || selector.find('%') != std::string::npos ||
                               selector.find(".bottom") != std::string::npos;
  return !operation.starts_with("without") || !chooses_numbers;
}

TEST(ConeOfDescriptions, EveryPointWithEverySelectorAndOperation) {
  std::uint64_t seed = 20;
  std::size_t number = 0;
  for (const ModelConfig& config : test::all_descriptions(8, 21)) {
    SCOPED_TRACE(test::summary_of(config));
    Prompted described(config, ++seed);
    const SweepRequest prompt = described.prompt(9);
    Sweeps sweeps(described.model);
    for (const SweptHook& hook : swept_hooks(config)) {
      const auto selectors = selectors_of_hook(hook), operations = operations_of_hook(hook);
      const auto add = [&](const std::string& selector, const std::string& operation) {
        if (!makes_sense(selector, operation) || !test::takes_case(number++)) return;
        SweepRequest request = prompt;
        request.edits = {hook.name() + selector + " " + operation};
        if (hook.info->scope == Scope::block) request.axes = {resolve_axis(hook.layer_axis(), config, 9)};
        sweeps.add(std::move(request));
      };
      // Each at least once, in pairs that differ from one description to the next.
      const std::size_t shift = described.random.below(operations.size());
      for (std::size_t i = 0; i < std::max(selectors.size(), operations.size()); ++i)
        add(selectors[i % selectors.size()], operations[(i + shift) % operations.size()]);
    }
    sweeps.expect_cone_is_full();
  }
}

// One to three edits of a text, with an axis for each placeholder.
SweepRequest random_sweep(Prompted& described, const std::vector<SweptHook>& hooks, std::size_t positions) {
  const ModelConfig& config = described.config();
  test::Random& random = described.random;
  SweepRequest request = described.prompt(positions);
  bool by_position = false;
  std::size_t heads = 0;            // of the head axis, 0: none
  std::vector<std::size_t> layers;  // of the layer axis, none: none
  for (std::size_t e = 0, count = 1 + random.below(3); e < count; ++e) {
    const SweptHook& hook = hooks[random.below(hooks.size())];
    std::string text;
    if (hook.info->scope == Scope::block) {
      // One layer axis serves all edits, so that each must be in all of its blocks.
      const bool swept = random.below(2) == 0 && (layers.empty() || layers == hook.layers);
      if (swept) layers = hook.layers;
      text = "blocks." + (swept ? "{layer}" : std::to_string(hook.layers[random.below(hook.layers.size())])) + ".";
    }
    text += hook.info->name;
    switch (random.below(4)) {
      case 0: text += "[{position}]", by_position = true; break;
      case 1: text += "[" + std::to_string(random.below(positions)) + "]"; break;
      case 2: text += "[0,-1]"; break;
      default: break;
    }
    if (hook.has_heads() && random.below(2) == 0) {
      text += ".head[{head}]";
      heads = heads == 0 ? hook.heads : std::min(heads, hook.heads);
    }
    if (!hook.has_keys() && random.below(3) == 0)
      text += described.pick({".top[20%]", ".bottom[1]", ".random[40%, 9]"});
    auto operations = operations_of_hook(hook);
    std::erase(operations, "= corrupt[3]");
    request.edits.push_back(text + " " + described.pick(operations));
  }
  const auto axis = [&](const std::string& text) { request.axes.push_back(resolve_axis(text, config, positions)); };
  if (heads > 0) axis("head=0:" + std::to_string(heads));
  if (!layers.empty()) axis(SweptHook{nullptr, layers}.layer_axis());
  if (by_position) axis("position=all");
  request.metric = static_cast<Metric>(random.below(7));
  request.targets.resize(targets_of(request.metric), 7);
  if (request.metric == Metric::log_prob && random.below(2) == 0) {
    request.whole = true;
    request.targets = test::random_ids(random, 1 + random.below(5), config.d_vocab);
  }
  return request;
}

TEST(ConeOfDescriptions, RandomEditsOfRandomTextsInRandomGrids) {
  std::uint64_t seed = 60;
  for (const ModelConfig& config : test::all_descriptions(12, 61)) {
    SCOPED_TRACE(test::summary_of(config));
    Prompted described(config, ++seed);
    const auto hooks = swept_hooks(config);
    Sweeps sweeps(described.model);
    for (std::size_t i = 0; i < (test::kWatched ? 6 : 24); ++i)
      sweeps.add(random_sweep(described, hooks, 1 + described.random.below(i % 8 == 0 ? config.n_ctx - 8 : 14)));
    sweeps.expect_cone_is_full();
  }
}

TEST(ConeOfDescriptions, OnAnyNumberOfThreads) {
  std::uint64_t seed = 80;
  for (const ModelConfig& config : test::all_descriptions(2, 81)) {
    SCOPED_TRACE(test::summary_of(config));
    Prompted described(config, ++seed);
    SweepRequest request = described.prompt(11);
    request.edits = {"blocks.{layer}.hook_resid_pre[{position}] = corrupt"};
    request.axes = {resolve_axis("layer=all", config, 11), resolve_axis("position=all", config, 11)};
    const SweepResult expected = sweep(described.model, request);
    for (const int threads : {1, 3, 7}) {
      expect_the_whole_runs_numbers(sweep(described.open(Precision::fp32, threads), request), expected,
                                    std::to_string(threads) + " threads");
    }
  }
}

}  // namespace
}  // namespace stratoscope
