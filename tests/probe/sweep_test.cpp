// Sweeps against one run for each grid point, bit for bit.
#include "stratoscope/probe/sweep.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stratoscope/probe/edits.h"
#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

using test::refuses;
using EngineRun = Run<float>;

class Sweep : public ::testing::Test {
 protected:
  const test::TestModelFolder folder_{test::Sizes{4, 3, 24, 40, 48, 67}};
  const Model model_ = Model::load(folder_.path());
  test::Random random_{3};
  const TokenIds ids_ = test::random_ids(random_, 9, 67), corrupt_ = test::random_ids(random_, 9, 67);

  SweepRequest request(std::vector<std::string> edits, const std::vector<const char*>& axes) const {
    SweepRequest request;
    request.text = ids_;
    request.corrupt = corrupt_;
    request.edits.assign(edits.begin(), edits.end());
    for (const char* axis : axes) request.axes.push_back(resolve_axis(axis, model_.config(), ids_.size()));
    request.targets = {5};
    return request;
  }
  EngineRun run(const TokenIds& ids, const std::vector<std::string>& edits) const {
    EditSources sources(model_, ids_, corrupt_);
    std::vector<EditExpression> expressions;
    expressions.reserve(edits.size());
    for (const std::string& edit : edits) expressions.push_back(parse_edit(edit));
    sources.prepare(expressions);
    RunRequest request;
    request.sequences = {ids};
    for (const EditExpression& expression : expressions)
      for (HookEdit& edit : resolve_edit(expression, sources)) request.edits.push_back(std::move(edit));
    return model_.run(request);
  }
  double last_metric(Metric metric, const EngineRun& run, const EngineRun& clean, const TokenIds& targets) const {
    const auto row = run.logits.matrix().row_span(ids_.size() - 1),
               before = clean.logits.matrix().row_span(ids_.size() - 1);
    return metric_value<float>(metric, std::span<const float>(row), std::span<const float>(before), targets);
  }
};

TEST_F(Sweep, EveryMetricOverBlocksEqualsSingleRuns) {
  const auto clean = run(ids_, {});
  for (const Metric metric :
       {Metric::log_prob, Metric::prob, Metric::rank, Metric::logit, Metric::logit_diff, Metric::kl, Metric::entropy}) {
    auto sweep_request = request({"blocks.{layer}.hook_resid_post *= 0.8"}, {"layer=all"});
    sweep_request.metric = metric;
    sweep_request.targets.resize(targets_of(metric), 7);
    const SweepResult result = sweep(model_, sweep_request);
    EXPECT_EQ(result.clean, last_metric(metric, clean, clean, sweep_request.targets)) << name_of(metric);
    ASSERT_EQ(result.values.size(), 4U);
    Effect effect;
    for (std::size_t layer = 0; layer < 4; ++layer) {
      const auto edited = run(ids_, {"blocks." + std::to_string(layer) + ".hook_resid_post *= 0.8"});
      EXPECT_EQ(result.values[layer], last_metric(metric, edited, clean, sweep_request.targets)) << name_of(metric);
      effect.include<float>(clean.logits.matrix().row_span(8), edited.logits.matrix().row_span(8));
    }
    EXPECT_EQ(result.effect.kl, effect.kl);
    EXPECT_EQ(result.effect.max_change, effect.max_change);
    EXPECT_GT(result.effect.kl, 0);
  }
}

TEST_F(Sweep, SeveralMeasuresAreThoseOfSweepsOfTheirOwn) {
  auto several = request({"blocks.{layer}.hook_mlp_out[{position}] = corrupt"}, {"layer=all", "position=all"});
  several.metric = Metric::logit_diff;
  several.targets = {5, 60};
  several.also = {{Metric::rank, {5}}, {Metric::rank, {9}}, {Metric::kl, {}}, {Metric::entropy, {}}};
  for (const bool full_runs : {false, true}) {
    SweepOptions options;
    options.full_runs = full_runs;
    const SweepResult together = sweep(model_, several, options);
    ASSERT_EQ(together.also_values.size(), several.also.size());
    std::vector<Measure> all = {{several.metric, several.targets}};
    all.insert(all.end(), several.also.begin(), several.also.end());
    for (std::size_t m = 0; m < all.size(); ++m) {
      auto alone = several;
      alone.metric = all[m].metric;
      alone.targets = all[m].targets;
      alone.also.clear();
      const SweepResult expected = sweep(model_, alone);
      EXPECT_EQ(m == 0 ? together.values : together.also_values[m - 1], expected.values) << m;
      EXPECT_EQ(m == 0 ? together.clean : together.also_clean[m - 1], expected.clean) << m;
      EXPECT_NE(expected.values, std::vector<double>(expected.values.size(), expected.clean)) << m;
    }
  }
}

TEST_F(Sweep, AMetricIsReadAfterAnyPosition) {
  const std::vector<std::string> edits = {"blocks.{layer}.attn.hook_z[2:] = mean", "blocks.1.hook_resid_pre += 0.5",
                                          "blocks.2.hook_attn_out[-2] = corrupt"};
  const auto clean = run(ids_, {});
  for (std::size_t position = 0; position < ids_.size(); ++position) {
    auto at = request(edits, {"layer=all"});
    at.also = {{Metric::kl, {}}};
    at.position = position;
    for (const bool full_runs : {false, true}) {
      SweepOptions options;
      options.full_runs = full_runs;
      const SweepResult result = sweep(model_, at, options);
      for (std::size_t layer = 0; layer < 4; ++layer) {
        const auto edited =
            run(ids_, {"blocks." + std::to_string(layer) + ".attn.hook_z[2:] = mean", edits[1], edits[2]});
        const auto row = edited.logits.matrix().row_span(position), before = clean.logits.matrix().row_span(position);
        EXPECT_EQ(result.values[layer], metric_value<float>(Metric::log_prob, row, before, at.targets)) << position;
        EXPECT_EQ(result.also_values[0][layer], metric_value<float>(Metric::kl, row, before, {})) << position;
      }
    }
  }
}

TEST_F(Sweep, EditsAfterThePositionChangeNothing) {
  auto at = request({"blocks.{layer}.hook_resid_post[5:] *= 0"}, {"layer=all"});
  at.position = 4;
  const SweepResult result = sweep(model_, at);
  EXPECT_EQ(result.values, std::vector<double>(4, result.clean));
  EXPECT_EQ(result.effect.kl, 0);
  at.position = 9;
  EXPECT_TRUE(refuses([&] { sweep(model_, at); }, "position 9 is not in the text of 9 tokens"));
  at.position = 3;
  at.whole = true;
  EXPECT_TRUE(refuses([&] { sweep(model_, at); }, "a whole target follows the last position"));
  at.also = {{Metric::kl, {}}};
  EXPECT_TRUE(refuses([&] { sweep(model_, at); }, "a whole target is scored alone"));
}

TEST_F(Sweep, SeveralAxesTheLastFastest) {
  const SweepResult result =
      sweep(model_, request({"blocks.{layer}.hook_mlp_out[{position}] *= {factor}", "blocks.0.hook_attn_out[0] = mean",
                             "blocks.{layer}.hook_attn_out[{position}] = corrupt"},
                            {"layer=2,0", "position=1:4,-1", "factor=0,-0.5,3"}));
  ASSERT_EQ(result.values.size(), 2U * 4 * 3);
  const auto clean = run(ids_, {});
  std::size_t point = 0;
  for (const char* layer : {"2", "0"})
    for (const char* position : {"1", "2", "3", "8"})
      for (const char* factor : {"0", "-0.5", "3"}) {
        const std::string block = "blocks." + std::string(layer);
        const auto edited =
            run(ids_, {block + ".hook_mlp_out[" + position + "] *= " + factor, "blocks.0.hook_attn_out[0] = mean",
                       block + ".hook_attn_out[" + position + "] = corrupt"});
        EXPECT_EQ(result.values[point++], last_metric(Metric::log_prob, edited, clean, {5}));
      }
}

TEST_F(Sweep, ArithmeticInBraces) {
  const SweepResult result =
      sweep(model_, request({"blocks.{(layer+1)*2-1}.hook_mlp_out = {1-w} * clean + {w/2} * corrupt - {w-0.25} * mean"},
                            {"layer=0,1", "w=0,0.25,1"}));
  const auto clean = run(ids_, {});
  std::size_t point = 0;
  for (const char* layer : {"1", "3"})
    for (const char* value : {"1 * clean + 0 * corrupt - -0.25 * mean", "0.75 * clean + 0.125 * corrupt",
                              "0 * clean + 0.5 * corrupt - 0.75 * mean"}) {
      const auto edited = run(ids_, {"blocks." + std::string(layer) + ".hook_mlp_out = " + value});
      EXPECT_DOUBLE_EQ(result.values[point++], last_metric(Metric::log_prob, edited, clean, {5}));
    }
  EXPECT_NE(result.values[0], result.values[3]);
}

TEST_F(Sweep, MoreCellsThanOnePassHolds) {
  const SweepResult result =
      sweep(model_, request({"blocks.1.hook_resid_pre.dim[{dim}] += {x}"}, {"dim=0..23", "x=0..9"}));
  ASSERT_EQ(result.values.size(), 240U);
  const auto clean = run(ids_, {});
  for (const std::size_t point : {0U, 1U, 127U, 128U, 129U, 239U}) {
    const auto edited =
        run(ids_, {"blocks.1.hook_resid_pre.dim[" + std::to_string(point / 10) + "] += " + std::to_string(point % 10)});
    EXPECT_EQ(result.values[point], last_metric(Metric::log_prob, edited, clean, {5})) << point;
  }
  EXPECT_EQ(result.values[0], result.clean);
}

TEST_F(Sweep, AWholeTargetIsScoredTokenByToken) {
  auto sweep_request = request({"blocks.{layer}.hook_resid_post[{position}] *= 0.5"}, {"layer=all", "position=-1"});
  sweep_request.targets = {5, 9, 60};
  sweep_request.whole = true;
  const SweepResult result = sweep(model_, sweep_request);
  TokenIds longer = ids_;
  longer.insert(longer.end(), {5, 9});
  const auto score = [&](const EngineRun& run) {
    double sum = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto row = run.logits.matrix().row_span(ids_.size() - 1 + i);
      sum += log_softmax(std::span<const float>(row))[static_cast<std::size_t>(sweep_request.targets[i])];
    }
    return sum;
  };
  EXPECT_NEAR(result.clean, score(run(longer, {})), 1e-12);
  for (std::size_t layer = 0; layer < 4; ++layer)
    EXPECT_NEAR(result.values[layer],
                score(run(longer, {"blocks." + std::to_string(layer) + ".hook_resid_post[8] *= 0.5"})), 1e-12);
}

TEST_F(Sweep, InFloat64OnTheReferencePath) {
  const Model reference = Model::load(folder_.path(), {Precision::fp64, 0, nullptr});
  const auto sweep_request = request({"blocks.{layer}.hook_resid_post *= 0.8"}, {"layer=0..2"});
  const SweepResult exact = sweep(reference, sweep_request), quick = sweep(model_, sweep_request);
  EXPECT_NEAR(exact.clean, quick.clean, 1e-5);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(exact.values[i], quick.values[i], 1e-5);
    EXPECT_NE(exact.values[i], quick.values[i]) << "computed in float32";
  }
}

TEST_F(Sweep, WithoutAxesItIsOneCell) {
  const SweepResult result = sweep(model_, request({"blocks.*.hook_attn_out = zero"}, {}));
  EXPECT_EQ(result.values.size(), 1U);
}

TEST_F(Sweep, ReportsProgressAndStopsWhenToldTo) {
  class Watcher : public Progress {
   public:
    void update(const char*, std::size_t done, std::size_t of) override {
      EXPECT_LE(done, of);
      last = done;
      total = of;
    }
    bool cancelled() const override { return cancel; }
    bool cancel = false;
    std::size_t last = 0, total = 0;
  } watcher;
  auto sweep_request = request({"blocks.{layer}.hook_resid_post *= 0.8"}, {"layer=all"});
  sweep_request.progress = &watcher;
  sweep(model_, sweep_request);
  EXPECT_EQ(watcher.last, 4U);
  EXPECT_EQ(watcher.total, 4U);
  watcher.cancel = true;
  EXPECT_THROW(sweep(model_, sweep_request), Interrupted);
}

TEST_F(Sweep, Axes) {
  const auto values = [&](const char* text) { return resolve_axis(text, model_.config(), 9).values; };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(values("layer=all"), (Texts{"0", "1", "2", "3"}));
  EXPECT_EQ(values("layer=-1,0"), (Texts{"3", "0"}));
  EXPECT_EQ(values("position=0:2,-1"), (Texts{"0", "1", "8"}));
  EXPECT_EQ(values("head=0..2"), (Texts{"0", "1", "2"}));
  EXPECT_EQ(values("factor=0, 0.5 ,1e2"), (Texts{"0", "0.5", "1e2"}));
  EXPECT_EQ(values("dim=-1..1,7"), (Texts{"-1", "0", "1", "7"}));
  EXPECT_EQ(values("file=a.npy,b=c.npy"), (Texts{"a.npy", "b=c.npy"}));
  EXPECT_EQ(values("x=9223372036854775806..9223372036854775807").size(), 2U);
  const auto of = [&](const char* text) { return [this, text] { resolve_axis(text, model_.config(), 9); }; };
  EXPECT_TRUE(refuses(of("layer"), "'layer' is not an axis"));
  EXPECT_TRUE(refuses(of("=1"), "'' is not a valid name of an axis"));
  EXPECT_TRUE(refuses(of("a b=1"), "is not a valid name of an axis"));
  EXPECT_TRUE(refuses(of("value=1"), "an axis may not be called 'value'"));
  EXPECT_TRUE(refuses(of("x="), "empty value"));
  EXPECT_TRUE(refuses(of("x=1,,2"), "empty value"));
  EXPECT_TRUE(refuses(of("x=3..1"), "is empty or too long"));
  EXPECT_TRUE(refuses(of("x=0..99999999"), "is empty or too long"));
  EXPECT_TRUE(refuses(of("x=-9223372036854775808..9223372036854775807"), "is empty or too long"));
  EXPECT_TRUE(refuses(of("layer=4"), "layer: 4 is out of range; layers are 0 to 3"));
  EXPECT_TRUE(refuses(of("position=9"), "positions are 0 to 8"));
  EXPECT_TRUE(refuses(of("head=3"), "heads are 0 to 2"));
}

TEST_F(Sweep, Refusals) {
  const auto with = [&](const std::vector<std::string>& edits, const std::vector<const char*>& axes) {
    return [this, edits, axes] { sweep(model_, request(edits, axes)); };
  };
  const std::string edit = "blocks.{layer}.hook_resid_post *= 2";
  EXPECT_TRUE(refuses(with({}, {}), "there is no edit"));
  EXPECT_TRUE(refuses(with({edit}, {}), "the placeholder {layer} has no axis; add --over layer="));
  EXPECT_TRUE(refuses(with({edit}, {"layer=0", "x=1"}), "no edit uses the axis x"));
  EXPECT_TRUE(refuses(with({edit}, {"layer=0", "layer=1"}), "the axis layer is given twice"));
  EXPECT_TRUE(refuses(with({"blocks.{layer.hook_resid_post *= 2"}, {"layer=0"}), "this brace is not closed"));
  EXPECT_TRUE(
      refuses(with({"blocks.{la\nyer}.hook_resid_post *= 2"}, {"layer=0"}), "'{la\\x0ayer}' is not a placeholder"));
  EXPECT_TRUE(refuses(with({"blocks.{x}.hook_resid_post *= 2"}, {"x=0,9"}), "block 9 is out of range"));
  EXPECT_TRUE(refuses(with({"blocks.{x+1}.hook_resid_post *= 2"}, {"x=0,3"}), "block 4 is out of range"));
  EXPECT_TRUE(refuses(with({"blocks.0.hook_resid_post *= {1/x}"}, {"x=1,0"}), "'{1/x}' is not finite for x=0"));
  EXPECT_TRUE(refuses(with({"blocks.0.hook_resid_post *= {x*y}"}, {"x=1,0"}), "the placeholder {y} has no axis"));
  EXPECT_TRUE(refuses(with({"{a}{b}{c} = 1"}, {"a=0..999", "b=0..999", "c=0..9"}), "more than 1000000 points"));
  auto bad = request({edit}, {"layer=0"});
  bad.targets = {};
  EXPECT_TRUE(refuses([&] { sweep(model_, bad); }, "the metric log_prob reads 1 target, but 0 are given"));
  bad.targets = {1, 2};
  EXPECT_TRUE(refuses([&] { sweep(model_, bad); }, "reads 1 target, but 2 are given"));
  bad.metric = Metric::kl;
  EXPECT_TRUE(refuses([&] { sweep(model_, bad); }, "reads 0 targets"));
  bad.whole = true;
  EXPECT_TRUE(refuses([&] { sweep(model_, bad); }, "a whole target is scored by log_prob alone"));
  auto long_target = request({edit}, {"layer=0"});
  long_target.whole = true;
  long_target.targets = TokenIds(41, 1);
  EXPECT_TRUE(refuses([&] { sweep(model_, long_target); }, "more than the model's context of 48"));
}

}  // namespace
}  // namespace stratoscope
