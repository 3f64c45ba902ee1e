// Identities between the values of one run, on every available model.
#include <gtest/gtest.h>

#include <cmath>

#include "stratoscope/model/make_edit.h"
#include "tests/support/oracle.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"

namespace stratoscope {
namespace {

using test::everything_of;
using test::same_bits;

// value = value * factor
std::shared_ptr<const Edit> scaled_by(float factor) {
  return make_edit([factor](const auto& value) {
    for (std::size_t i = 0; i < value.shape[0]; ++i)
      for (std::size_t j = 0; j < value.shape[1]; ++j)
        for (std::size_t k = 0; k < value.shape[2]; ++k) value(i, j, k) *= factor;
  });
}

using EngineRun = Run<float>;  // inside a test `Run` is GoogleTest's

struct LoadedRun {
  std::string name;
  Model model;
  TokenIds ids;
  Run<float> run;
};

LoadedRun load(const std::string& name, const std::filesystem::path& folder, const TokenIds& ids) {
  Model model = Model::load(folder);
  auto run = model.run(everything_of(model.config(), {ids}));
  return {name, std::move(model), ids, std::move(run)};
}

// The small models of the oracle, if they were made, and a random one.
const std::vector<LoadedRun>& loaded_runs() {
  static const std::vector<LoadedRun> runs = [] {
    std::vector<LoadedRun> list;
    for (const auto& which : test::oracle_cases())
      if (which.model == which.folder && which.name != "gpt2_width")
        list.push_back(load(which.name, which.model, which.ids()));
    const test::TestModelFolder folder;
    test::Random random(7);
    list.push_back(load("random", folder.path(), test::random_ids(random, 31, 67)));
    return list;
  }();
  return runs;
}

template <class Body>
void on_every_model(const Body& body) {
  for (const LoadedRun& loaded : loaded_runs()) {
    SCOPED_TRACE(loaded.name);
    body(loaded, loaded.run);
  }
}

TEST(Identities, ResidualStreamIsASum) {
  on_every_model([](const LoadedRun& loaded, const EngineRun& run) {
    for (std::size_t layer = 0; layer < loaded.model.config().n_layers(); ++layer) {
      const auto at = [&](Hook hook) { return run.value({hook, layer}).values(); };
      const auto pre = at(Hook::resid_pre), attn = at(Hook::attn_out), mid = at(Hook::resid_mid);
      const auto mlp = at(Hook::mlp_out), post = at(Hook::resid_post);
      for (std::size_t i = 0; i < mid.size(); ++i) {
        ASSERT_EQ(mid[i], pre[i] + attn[i]) << "layer " << layer << ", number " << i;
        ASSERT_EQ(post[i], mid[i] + mlp[i]) << "layer " << layer << ", number " << i;
      }
    }
    const auto token = run.value({Hook::embed, 0}).values(), place = run.value({Hook::pos_embed, 0}).values();
    const auto first = run.value({Hook::resid_pre, 0}).values();
    for (std::size_t i = 0; i < first.size(); ++i) ASSERT_EQ(first[i], token[i] + place[i]);
  });
}

TEST(Identities, WhatLeavesABlockEntersTheNext) {
  on_every_model([](const LoadedRun& loaded, const EngineRun& run) {
    const std::size_t layers = loaded.model.config().n_layers();
    for (std::size_t layer = 0; layer < layers; ++layer) {
      const Tensor& pre = run.value({Hook::resid_pre, layer});
      const auto entry = run.hidden_states.slice(layer);
      EXPECT_TRUE(same_bits(pre.values(), std::span<const float>(entry.data, pre.size()))) << layer;
      if (layer + 1 < layers) {
        EXPECT_TRUE(same_bits(run.value({Hook::resid_post, layer}), run.value({Hook::resid_pre, layer + 1})));
      }
    }
    const Tensor& last = run.value({Hook::unembed_in, 0});
    EXPECT_TRUE(same_bits(last.values(), std::span<const float>(run.hidden_states.slice(layers).data, last.size())));
    EXPECT_TRUE(same_bits(run.value({Hook::unembed_out, 0}), run.logits));
  });
}

TEST(Identities, PatternIsADistributionOverThePast) {
  on_every_model([](const LoadedRun& loaded, const EngineRun& run) {
    for (std::size_t layer = 0; layer < loaded.model.config().n_layers(); ++layer) {
      const Tensor &scores = run.value({Hook::attn_scores, layer}), &pattern = run.value({Hook::pattern, layer});
      const std::size_t positions = pattern.shape()[1];
      for (std::size_t row = 0; row < pattern.matrix().rows; ++row) {
        double sum = 0;
        for (std::size_t key = 0; key < positions; ++key) {
          const float share = pattern.matrix().row(row)[key], score = scores.matrix().row(row)[key];
          if (key > row % positions) {
            ASSERT_EQ(share, 0.0F);
            ASSERT_EQ(score, -std::numeric_limits<float>::infinity());
          } else {
            ASSERT_TRUE(std::isfinite(score));
            ASSERT_GE(share, 0.0F);
          }
          sum += static_cast<double>(share);
        }
        ASSERT_NEAR(sum, 1, 1e-6) << "layer " << layer << ", row " << row;
      }
    }
  });
}

TEST(Identities, HeadResultsAndTheBiasAddUpToAttnOut) {
  on_every_model([](const LoadedRun& loaded, const EngineRun& run) {
    const ModelConfig& config = loaded.model.config();
    for (std::size_t layer = 0; layer < config.n_layers(); ++layer) {
      const auto bias = loaded.model.checkpoint().read_bias<double>(Role::o, layer);
      const Tensor& result = run.value({Hook::result, layer});
      const Tensor& attn_out = run.value({Hook::attn_out, layer});
      std::vector<double> sums(attn_out.size());
      for (std::size_t row = 0; row < run.rows(); ++row)
        for (std::size_t i = 0; i < config.d_model; ++i) {
          double& sum = sums[row * config.d_model + i];
          sum = bias.data()[i];
          for (std::size_t head = 0; head < config.n_heads(); ++head)
            sum += static_cast<double>(result.data()[(row * config.n_heads() + head) * config.d_model + i]);
        }
      const auto error = test::largest_row_error(attn_out.values(), std::span<const double>(sums), config.d_model);
      EXPECT_LE(error.relative, 5e-6) << "layer " << layer << ", " << error.where();
    }
  });
}

TEST(Identities, AskingForLessGivesTheSameBits) {
  on_every_model([](const LoadedRun& loaded, const EngineRun& run) {
    RunRequest plain;
    plain.sequences = {loaded.ids};
    const auto bare = loaded.model.run(plain);
    EXPECT_TRUE(same_bits(bare.hidden_states, run.hidden_states));
    EXPECT_TRUE(same_bits(bare.logits, run.logits));
    EXPECT_TRUE(bare.captured.empty());

    plain.hidden_states = false;
    plain.logits = LogitRows::last;
    const auto last = loaded.model.run(plain);
    EXPECT_TRUE(last.hidden_states.empty());
    const auto all = run.logits.matrix();
    EXPECT_TRUE(same_bits(last.logits.values(), std::span<const float>(all.row_span(all.rows - 1))));

    plain.logits = LogitRows::none;
    plain.captures = {{{Hook::resid_post, 0}, {}, {}}};
    const auto one = loaded.model.run(plain);
    EXPECT_TRUE(one.logits.empty());
    EXPECT_TRUE(same_bits(one.value({Hook::resid_post, 0}), run.value({Hook::resid_post, 0})));
  });
}

TEST(Identities, EditsThatChangeNothingChangeNoBit) {
  on_every_model([](const LoadedRun& loaded, const EngineRun& run) {
    auto request = everything_of(loaded.model.config(), {loaded.ids});
    const auto times_one = scaled_by(1);
    for (const HookPoint point : all_hook_points(loaded.model.config())) request.edits.push_back({point, 0, times_one});
    test::expect_same_bits(loaded.model.run(request), run);
  });
}

TEST(Requests, WhatTheModelCannotServeIsRefused) {
  const test::TestModelFolder folder;
  const Model model = Model::load(folder.path());
  const auto refused = [&](const RunRequest& request, const char* part) {
    try {
      model.run(request);
      ADD_FAILURE() << "accepted; expected: " << part;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
    EXPECT_THROW(model.run_reference(request), Error) << part;
  };
  const auto edit = scaled_by(2);
  RunRequest good;
  good.sequences = {{1, 2}};
  RunRequest bad = good;
  bad.sequences.clear();
  refused(bad, "there is no text");
  bad.sequences = {{}};
  refused(bad, "a text has no tokens");
  bad.sequences = {{1}, {67}};
  refused(bad, "token id 67 is not in the model's vocabulary of 67");
  bad.sequences = {{-1}};
  refused(bad, "token id -1");
  bad.sequences = {TokenIds(49, 0)};
  refused(bad, "49 tokens, more than the model's context of 48");
  bad = good;
  bad.captures = {{{Hook::resid_pre, 2}, {}, {}}};
  refused(bad, "blocks.2.hook_resid_pre does not exist in a model of 2 blocks");
  bad = good;
  bad.captures = {{{Hook::resid_pre, 0}, {}, {{0}}}};
  refused(bad, "blocks.0.hook_resid_pre has no heads");
  bad.captures = {{{Hook::z, 0}, {}, {{0, 3}}}};
  refused(bad, "the heads to capture must ascend, each below 3");
  bad.captures = {{{Hook::z, 0}, {{1, 1}}, {}}};
  refused(bad, "the rows to capture must ascend, each below 2");
  bad.captures = {{{Hook::z, 0}, {{1}}, {}}, {{Hook::z, 0}, {}, {}}};
  refused(bad, "blocks.0.attn.hook_z is captured twice");
  bad = good;
  bad.edits = {{{Hook::resid_pre, 0}, 1, edit}};
  refused(bad, "sequence 1 is not among the 1");
  EXPECT_EQ(model.run(good).logits.shape(), (Shape{2, 67}));

  const Model reference = Model::load(folder.path(), {Precision::fp64, 0, nullptr});
  EXPECT_THROW(reference.run(good), Error);
}

TEST(Requests, ACancelledRunEndsInInterrupted) {
  class Cancelled : public Progress {
    bool cancelled() const override { return true; }
  } progress;
  const test::TestModelFolder folder;
  const Model model = Model::load(folder.path());
  RunRequest request;
  request.sequences = {{1, 2}};
  request.progress = &progress;
  EXPECT_THROW(model.run(request), Interrupted);
  EXPECT_THROW(model.run_reference(request), Interrupted);
  EXPECT_THROW(Model::load(folder.path(), {Precision::fp32, 0, &progress}), Interrupted);
}

}  // namespace
}  // namespace stratoscope
