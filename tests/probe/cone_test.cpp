// Sweeps on the causal cone against one whole run for each grid point: the same bits, for every hook point, selector,
// operation, metric and grid; and no more work than the changed values require.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "stratoscope/base/threads.h"
#include "stratoscope/model/cone/cone_runs.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/probe/sweep.h"
#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using test::refuses;

struct Loaded {
  explicit Loaded(const test::Sizes& model_sizes, std::uint64_t seed)
      : sizes(model_sizes), folder(sizes, seed), model(Model::load(folder.path())), random(seed) {}

  SweepRequest prompt(std::size_t positions) {
    SweepRequest request;
    request.text = test::random_ids(random, positions, sizes.d_vocab);
    request.corrupt = test::random_ids(random, positions, sizes.d_vocab);
    request.targets = {static_cast<std::int32_t>(random.below(sizes.d_vocab))};
    return request;
  }
  std::string pick(const std::vector<std::string>& from) { return from[random.below(from.size())]; }

  test::Sizes sizes;
  test::TestModelFolder folder;
  Model model;
  test::Random random;
};

void expect_same(const SweepResult& cone, const SweepResult& full, const std::string& what) {
  SCOPED_TRACE(what);
  EXPECT_EQ(cone.clean, full.clean);
  ASSERT_EQ(cone.values.size(), full.values.size());
  for (std::size_t i = 0; i < full.values.size(); ++i) {
    // NaN is a result too.
    EXPECT_TRUE(cone.values[i] == full.values[i] || (std::isnan(cone.values[i]) && std::isnan(full.values[i])))
        << "cell " << i << ": " << cone.values[i] << " is not " << full.values[i];
    EXPECT_EQ(cone.effects[i].max_change, full.effects[i].max_change) << "cell " << i;
    EXPECT_EQ(cone.effects[i].kl, full.effects[i].kl) << "cell " << i;
  }
}

void expect_cone_is_full(const Model& model, const std::vector<SweepRequest>& requests,
                         const std::vector<std::string>& names = {}) {
  SweepOptions whole;
  whole.full_runs = true;
  const auto cone = sweep_all(model, requests), full = sweep_all(model, requests, whole);
  ASSERT_EQ(cone.size(), full.size());
  for (std::size_t i = 0; i < full.size(); ++i) expect_same(cone[i], full[i], names.empty() ? "" : names[i]);
}

std::vector<std::string> selectors_of(const HookInfo& info) {
  std::vector<std::string> selectors = {"", "[4]", "[-1]", "[0]", "[2:5,-1]"};
  if (info.has_axis(HookAxis::head)) selectors.insert(selectors.end(), {".head[1]", "[3].head[0,-1]"});
  if (info.has_axis(HookAxis::key))
    selectors.insert(selectors.end(), {".key[2]", "[4:].head[0].key[0,3]"});
  else
    selectors.insert(selectors.end(), {".dim[0]", "[1].dim[0,-1]", ".top[10%]", "[1:].bottom[1]",
                                       "[2:5].random[30%, seed=4]", ".dim[0:].top[50%]"});
  return selectors;
}

bool chooses_numbers(const std::string& selector) {
  return selector.find(".dim") != std::string::npos || selector.find('%') != std::string::npos ||
         selector.find(".bottom") != std::string::npos;
}

std::vector<std::string> operations_of(const HookInfo& info) {
  std::vector<std::string> operations = {"*= 0.5", "+= 0.75", "= 1.25", "= corrupt", "= corrupt[3]", "*= 1"};
  operations.insert(operations.end(), {"= 0.3 * corrupt + 0.7 * clean", "+= 2 * noise(0.3, 5) - 0.1"});
  if (info.has_axis(HookAxis::key)) return operations;
  operations.insert(operations.end(), {"= mean", "= 0.5 * median - mean(dim) + 2", "*= median(dim) + clean"});
  if (info.axes.back() != HookAxis::one) operations.emplace_back("without corrupt");
  return operations;
}

TEST(Cone, EveryPointSelectorAndOperation) {
  const test::Sizes shapes[] = {{3, 3, 24, 40, 48, 67}, {2, 2, 10, 9, 12, 11}};
  for (const test::Sizes& sizes : shapes) {
    Loaded loaded(sizes, 40 + sizes.d_model);
    const SweepRequest prompt = loaded.prompt(9);
    std::vector<SweepRequest> requests;
    std::vector<std::string> names;
    std::size_t number = 0;
    for (const Hook hook : hooks_of(loaded.model.config())) {
      const HookInfo& info = info_of(hook);
      for (const std::string& selector : selectors_of(info))
        for (const std::string& operation : operations_of(info)) {
          if (operation.starts_with("without") && chooses_numbers(selector)) continue;
          if (!test::takes_case(number++)) continue;
          SweepRequest request = prompt;
          const bool block = info.scope == Scope::block;
          names.push_back((block ? "blocks.{layer}." : "") + std::string(info.name) + selector + " " + operation);
          request.edits = {names.back()};
          if (block) request.axes = {resolve_axis("layer=all", loaded.model.config(), 9)};
          requests.push_back(std::move(request));
        }
    }
    expect_cone_is_full(loaded.model, requests, names);
  }
}

TEST(Cone, RandomEditsOfRandomTextsInRandomGrids) {
  const test::Sizes shapes[] = {{4, 3, 24, 40, 48, 67}, {1, 1, 8, 5, 80, 13}, {3, 4, 20, 33, 96, 29}};
  for (const test::Sizes& sizes : shapes) {
    Loaded loaded(sizes, 90 + sizes.d_model);
    std::vector<SweepRequest> requests;
    std::vector<std::string> names;
    for (int i = 0; i < (test::kWatched ? 12 : 60); ++i) {
      SweepRequest request = loaded.prompt(1 + loaded.random.below(i % 10 == 0 ? sizes.n_ctx - 8 : 12));
      const std::size_t positions = request.text.size();
      std::set<std::string> axes;
      for (std::size_t e = 0, count = 1 + loaded.random.below(3); e < count; ++e) {
        const auto hooks = hooks_of(loaded.model.config());
        const HookInfo& info = info_of(hooks[loaded.random.below(hooks.size())]);
        std::string text;
        if (info.scope == Scope::block) {
          const bool swept = loaded.random.below(2) == 0;
          text = "blocks." + (swept ? "{layer}" : std::to_string(loaded.random.below(sizes.n_layers))) + ".";
          if (swept) axes.insert("layer=all");
        }
        text += info.name;
        switch (loaded.random.below(4)) {
          case 0: text += "[{position}]", axes.insert("position=all"); break;
          case 1: text += "[" + std::to_string(loaded.random.below(positions)) + "]"; break;
          case 2: text += "[0,-1]"; break;
          default: break;
        }
        if (info.has_axis(HookAxis::head) && loaded.random.below(2) == 0)
          text += ".head[{head}]", axes.insert("head=all");
        if (!info.has_axis(HookAxis::key) && loaded.random.below(3) == 0)
          text += loaded.pick({".top[20%]", ".bottom[1]", ".random[40%, 9]"});
        auto operations = operations_of(info);
        std::erase(operations, "= corrupt[3]");
        text += " " + loaded.pick(operations);
        request.edits.push_back(text);
      }
      for (const std::string& axis : axes) request.axes.push_back(resolve_axis(axis, loaded.model.config(), positions));
      const auto metric = static_cast<Metric>(loaded.random.below(7));
      request.metric = metric;
      request.targets.resize(targets_of(metric), 7);
      if (metric == Metric::log_prob && loaded.random.below(2) == 0) {
        request.whole = true;
        request.targets = test::random_ids(loaded.random, 1 + loaded.random.below(5), sizes.d_vocab);
      }
      std::string name = std::to_string(positions) + " tokens";
      for (const EditTemplate& edit : request.edits) name += "; " + edit.text();
      names.push_back(name + (request.whole ? "; whole" : ""));
      requests.push_back(std::move(request));
    }
    expect_cone_is_full(loaded.model, requests, names);
  }
}

TEST(Cone, OnAnyNumberOfThreadsAndInSlicesOfAnySize) {
  Loaded loaded({4, 3, 24, 40, 48, 67}, 7);
  SweepRequest request = loaded.prompt(11);
  request.edits = {"blocks.{layer}.hook_resid_pre[{position}] = corrupt"};
  request.axes = {resolve_axis("layer=all", loaded.model.config(), 11),
                  resolve_axis("position=all", loaded.model.config(), 11)};
  const SweepResult expected = sweep(loaded.model, request);
  for (const int threads : {1, 2, 3, 7}) {
    const Model model = Model::load(loaded.folder.path(), {Precision::fp32, threads, nullptr});
    expect_same(sweep(model, request), expected, std::to_string(threads) + " threads");
  }
  const SweepPlan whole = plan_sweep(loaded.model, {&request, 1});
  EXPECT_EQ(whole.points, 44U);
  EXPECT_EQ(whole.slices, 1U);
  // Decreasing memory, until it is too little for one grid point.
  std::size_t slices = 1;
  SweepOptions less;
  for (less.memory_limit = whole.bytes; less.memory_limit > 0; less.memory_limit = less.memory_limit * 4 / 5) {
    SweepPlan plan;
    try {
      plan = plan_sweep(loaded.model, {&request, 1}, less);
    } catch (const Error& error) {
      EXPECT_EQ(error.hint(), "raise --memory-limit");
      break;
    }
    EXPECT_GE(plan.slices, slices);
    EXPECT_LE(plan.bytes, less.memory_limit);
    EXPECT_GE(plan.operations, whole.operations);
    expect_same(sweep(loaded.model, request, less), expected, std::to_string(plan.slices) + " slices");
    slices = plan.slices;
  }
  EXPECT_GT(slices, 2U);
  SweepOptions stops;
  stops.operations_per_slice = 1;
  expect_same(sweep(loaded.model, request, stops), expected, "a slice for each cell");
  EXPECT_EQ(plan_sweep(loaded.model, {&request, 1}, stops).slices, 44U);
  less.memory_limit = 1000;
  EXPECT_TRUE(refuses([&] { sweep(loaded.model, request, less); }, "raise --memory-limit"));
}

TEST(Cone, WhatIsKnownIsNotRunAgain) {
  Loaded loaded({2, 3, 24, 40, 48, 67}, 8);
  SweepRequest request = loaded.prompt(6);
  request.edits = {"blocks.{layer}.hook_mlp_out[{position}] *= 2"};
  request.axes = {resolve_axis("layer=all", loaded.model.config(), 6),
                  resolve_axis("position=all", loaded.model.config(), 6)};
  std::vector<std::size_t> taken;
  SweepOptions options;
  options.take = [&](std::size_t, std::size_t point, const GridValue&) { taken.push_back(point); };
  const SweepResult expected = sweep(loaded.model, request, options);
  EXPECT_EQ(taken.size(), 12U);
  for (const std::size_t known : {5U, 12U}) {
    taken.clear();
    options.known = [&](std::size_t, std::size_t point) -> std::optional<GridValue> {
      if (point >= known) return std::nullopt;
      return GridValue{expected.values[point], expected.effects[point]};
    };
    expect_same(sweep(loaded.model, request, options), expected, "with known cells");
    EXPECT_EQ(taken.size(), 12 - known);
  }
}

TEST(Cone, SmallSlicesKeepTheCleanRun) {
  Loaded loaded({4, 3, 24, 40, 48, 67}, 9);
  std::vector<SweepRequest> requests = {loaded.prompt(7), loaded.prompt(5)};
  for (SweepRequest& request : requests) {
    // The second edit enters after the MLP's first product, the third reads other runs.
    request.edits = {"blocks.{layer}.hook_resid_pre[{position}] = corrupt", "blocks.2.mlp.hook_pre[1] *= 3",
                     "blocks.1.attn.hook_z = mean"};
    request.axes = {resolve_axis("layer=all", loaded.model.config(), 5),
                    resolve_axis("position=all", loaded.model.config(), 5)};
  }
  SweepOperations at_once;
  const auto expected = sweep_all(loaded.model, requests, {}, &at_once);
  for (const std::size_t points : {1U, 3U, 20U, 1000U}) {
    SweepOptions options;
    options.points_per_slice = points;
    std::vector<double> seen;
    options.take_clean = [&](std::size_t request, const GridValue& clean) {
      EXPECT_EQ(request, seen.size());
      seen.push_back(clean.value);
    };
    std::size_t taken = 0;
    options.take = [&](std::size_t request, std::size_t point, const GridValue& result) {
      EXPECT_EQ(point, taken++ % 20);
      EXPECT_EQ(seen.size(), request + 1);
      EXPECT_EQ(result.value, expected[request].values[point]);
    };
    SweepOperations operations;
    const auto sliced = sweep_all(loaded.model, requests, options, &operations);
    for (std::size_t i = 0; i < sliced.size(); ++i) expect_same(sliced[i], expected[i], std::to_string(points));
    EXPECT_EQ(operations.done, at_once.done) << points;  // no clean run was computed twice
    EXPECT_EQ(seen, (std::vector<double>{expected[0].clean, expected[1].clean}));
    EXPECT_EQ(taken, 40U);
  }
}

TEST(Cone, SlicesMayEndWithinAPromptAndTakeInOthers) {
  Loaded loaded({3, 3, 24, 40, 48, 67}, 14);
  std::vector<SweepRequest> requests;
  for (const std::size_t positions : {6U, 5U, 4U, 7U}) {
    SweepRequest& request = requests.emplace_back(loaded.prompt(positions));
    request.edits = {"blocks.{layer}.hook_resid_pre[{position}] = corrupt"};
    request.axes = {resolve_axis("layer=all", loaded.model.config(), positions),
                    resolve_axis("position=all", loaded.model.config(), positions)};
  }
  const auto expected = sweep_all(loaded.model, requests);
  for (const double millions : {1.0, 4.0, 9.0, 16.0, 25.0, 40.0}) {
    SweepOptions options;
    options.operations_per_slice = 1e6 * millions;
    EXPECT_GT(plan_sweep(loaded.model, requests, options).slices, 1U);
    const auto sliced = sweep_all(loaded.model, requests, options);
    for (std::size_t i = 0; i < sliced.size(); ++i) expect_same(sliced[i], expected[i], std::to_string(millions));
  }
}

// The rows of the last axes that differ between two values of one hook point, over [pos, …] or heads of [head, pos,
// key].
std::vector<std::size_t> changed_rows(HookPoint point, const Tensor& a, const Tensor& b, std::size_t positions) {
  const std::size_t outer = info_of(point.hook).has_axis(HookAxis::key) ? a.shape()[0] : 1;
  const std::size_t width = a.size() / outer / positions;
  std::vector<std::size_t> rows;
  for (std::size_t p = 0; p < positions; ++p)
    for (std::size_t o = 0; o < outer; ++o) {
      const std::size_t begin = (o * positions + p) * width;
      if (std::memcmp(a.data() + begin, b.data() + begin, width * sizeof(float)) == 0) continue;
      rows.push_back(p);
      break;
    }
  return rows;
}

// The work that the cone requires, from the rows that a whole run changes: the inputs of each product that differ, and
// in the last block only those whose logits are read.
double required_operations(const Loaded& loaded, const SweepRequest& request) {
  const ModelConfig& config = loaded.model.config();
  const std::size_t positions = request.text.size(), d = config.d_model, m = config.d_mlp();
  const auto clean = loaded.model.run(test::everything_of(config, {request.text}));
  double required = 0;
  const SweepGrid grid(request.edits, request.axes);
  EditSources sources(loaded.model, request.text, request.corrupt);
  sources.prepare(grid.edits_that_read_other_runs());
  const auto rows_times = [&](const std::vector<std::size_t>& rows, std::size_t first, std::size_t in,
                              std::size_t out) {
    const auto asked = std::count_if(rows.begin(), rows.end(), [&](std::size_t p) { return p >= first; });
    required += 2 * static_cast<double>(asked) * static_cast<double>(in * out);
  };
  const auto clean_run = [&](std::size_t layer) { return layer + 1 == config.n_layers() ? positions - 1 : 0; };
  for (std::size_t layer = 0; layer < config.n_layers(); ++layer) {
    const auto asked = static_cast<double>(positions - clean_run(layer));
    required += 2 * static_cast<double>(3 * d * d * positions) + 2 * asked * static_cast<double>(d * d + 2 * d * m);
  }
  required += 2 * static_cast<double>(d * config.d_vocab);
  // The run whose values the edits read.
  if (request.edits[0].text().ends_with("corrupt"))
    required += 2 * static_cast<double>(config.n_layers() * positions) * static_cast<double>(4 * d * d + 2 * d * m);
  for (std::size_t point = 0; point < grid.points(); ++point) {
    RunRequest pass = test::everything_of(config, {request.text});
    for (const EditExpression& expression : grid.edits_at(point))
      for (HookEdit& edit : resolve_edit(expression, sources)) pass.edits.push_back(std::move(edit));
    const auto run = loaded.model.run(pass);
    const auto rows = [&](Hook hook, std::size_t layer) {
      return changed_rows({hook, layer}, run.value({hook, layer}), clean.value({hook, layer}), positions);
    };
    for (std::size_t layer = 0; layer < config.n_layers(); ++layer) {
      rows_times(rows(Hook::ln1_normalized, layer), 0, d, 3 * d);
      rows_times(rows(Hook::z, layer), clean_run(layer), d, d);
      rows_times(rows(Hook::ln2_normalized, layer), clean_run(layer), d, m);
      rows_times(rows(Hook::mlp_post, layer), clean_run(layer), m, d);
    }
    rows_times(rows(Hook::unembed_in, 0), positions - 1, d, config.d_vocab);
  }
  return required;
}

TEST(Cone, DoesWhatTheConeRequiresAndNoMore) {
  Loaded loaded({4, 3, 48, 96, 64, 67}, 12);
  for (const char* edit :
       {"blocks.{layer}.hook_resid_post *= 0.8", "blocks.{layer}.hook_resid_pre[{position}] = corrupt",
        "blocks.{layer}.hook_attn_out[{position}] = corrupt", "blocks.{layer}.hook_mlp_out[{position}] = corrupt",
        "blocks.{layer}.attn.hook_z.head[{head}] = zero", "blocks.{layer}.attn.hook_k[{position}] = corrupt",
        "blocks.{layer}.attn.hook_q[{position}] = corrupt", "blocks.{layer}.mlp.hook_post[2,5] = zero",
        "blocks.{layer}.attn.hook_pattern[3] *= 0.5", "hook_embed[{position}] = corrupt"}) {
    SCOPED_TRACE(edit);
    SweepRequest request = loaded.prompt(14);
    request.edits = {edit};
    // The first query has one key and no choice, so position 0 is left out.
    for (const char* axis : {"layer=all", "position=1:14", "head=all"})
      if (std::string(edit).find("{" + std::string(axis).substr(0, std::string(axis).find('=')) + "}") !=
          std::string::npos)
        request.axes.push_back(resolve_axis(axis, loaded.model.config(), 14));
    SweepOperations operations;
    sweep_all(loaded.model, {&request, 1}, {}, &operations);
    const SweepPlan plan = plan_sweep(loaded.model, {&request, 1});
    const double done = operations.done, attention = done - required_operations(loaded, request);
    // Scores and weighted sums of values are not counted above; at 14 tokens they are few.
    EXPECT_GE(attention, 0);
    EXPECT_LE(attention, 0.1 * done);
    EXPECT_DOUBLE_EQ(plan.operations, done);
    EXPECT_DOUBLE_EQ(operations.required, done);
    EXPECT_DOUBLE_EQ(operations.whole, plan.full_operations);
    EXPECT_LT(plan.operations, plan.full_operations);
  }
}

TEST(Cone, RefusesWhatTheModelDoesNotHave) {
  Loaded loaded({2, 3, 24, 40, 48, 67}, 10);
  SweepRequest request = loaded.prompt(5);
  request.edits = {"blocks.0.hook_mlp_out *= 2"};
  request.targets = {67};
  EXPECT_TRUE(refuses([&] { sweep(loaded.model, request); }, "the target 67 is not in the model's vocabulary of 67"));
  request.targets = {-1};
  EXPECT_TRUE(refuses([&] { sweep(loaded.model, request); }, "the target -1 is not"));
  request.targets = {1};
  request.points.resize(1);
  EXPECT_TRUE(refuses([&] { sweep(loaded.model, request); }, "cells of its own and templates"));
  SweepOptions whole;
  whole.full_runs = true;
  whole.known = [](std::size_t, std::size_t) { return GridValue{42, {}}; };
  request.points.clear();
  EXPECT_EQ(sweep(loaded.model, request, whole).values, std::vector<double>{42});
}

TEST(Cone, RefusesAnEditThatDoesNotSayWhereItActs) {
  Loaded loaded({2, 3, 24, 40, 48, 67}, 9);
  class Everywhere : public Edit {
   public:
    void apply(const HookValue<float>& value) const override { value(0, 0, 0) = 1; }
    void apply(const HookValue<double>& value) const override { value(0, 0, 0) = 1; }
  };
  ConeRequest request;
  request.texts = {loaded.prompt(5).text};
  request.first_asked = {4};
  request.runs = {{0, {{{Hook::z, 1}, 0, std::make_shared<Everywhere>(), std::nullopt}}}};
  request.take = [](std::size_t, MatrixView<const float>) {};
  const auto run = [&] { run_cones(loaded.model, request); };
  EXPECT_TRUE(refuses(run, "the edit of blocks.1.attn.hook_z does not say which positions it changes"));
  request.runs[0].edits[0].positions = {7};
  EXPECT_TRUE(refuses(run, "the text has no position 7"));
  request.runs[0].edits[0].positions = {3, 1};
  EXPECT_TRUE(refuses(run, "must ascend"));
  request.runs[0].edits[0].positions = {3};
  EXPECT_NO_THROW(run());
  request.runs[0].edits[0].at.layer = 2;
  EXPECT_TRUE(refuses(run, "blocks.2.attn.hook_z does not exist in a model of 2 blocks"));
  request.runs[0].text = 1;
  EXPECT_TRUE(refuses(run, "there is no text 1"));
  request.first_asked = {5};
  EXPECT_TRUE(refuses(run, "has no position 5"));
}

}  // namespace
}  // namespace stratoscope
