// Random descriptions and those with the shape of known families: the engine and the float64 reference against the
// plain formulas, at every hook point, with and without edits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>

#include "stratoscope/model/make_edit.h"
#include "tests/model/plain_forward.h"
#include "tests/support/described_model.h"
#include "tests/support/random_description.h"
#include "tests/support/runs.h"

namespace stratoscope {
namespace {

using test::PlainRun;

constexpr std::size_t kRandomDescriptions = 60;
// Sums of float64 in another order.
constexpr double kReferenceError = 1e-12;
// The plain formulas in float32 are off by 9e-5 at most and in nine of ten descriptions by less than 1e-5. The rest
// have narrow MLPs, whose rows may all but vanish after the activation.
constexpr double kEngineError = 2e-4, kUsualEngineError = 3e-5;

struct Described : test::DescribedModel {
  Described(const ModelConfig& config, std::uint64_t seed, std::size_t positions) : DescribedModel(config, seed) {
    test::Random random(seed);
    ids = test::random_ids(random, positions, config.d_vocab);
  }
  TokenIds ids;
};

// The numbers that are judged together: those of a position, and the scores of a head, since a query that sees one key
// has one score, which may come near zero.
std::size_t judged_together(HookPoint point, std::size_t numbers, std::size_t positions, std::size_t heads) {
  if (point.hook == Hook::attn_scores) return numbers / heads;
  if (point.hook == Hook::pattern) return positions;
  return numbers / positions;
}

template <class T>
double expect_near(const BasicTensor<T>& actual, const test::Numbers& expected, std::size_t together, double limit,
                   const std::string& name) {
  EXPECT_EQ(actual.size(), expected.size()) << name;
  const auto error = test::largest_row_error(actual.values(), std::span<const double>(expected), together);
  EXPECT_LE(error.relative, limit) << name << ", " << error.where();
  return error.relative;
}

// Returns the largest error.
template <class T>
double expect_plain(const Run<T>& run, const PlainRun& plain, const ModelConfig& config, std::size_t positions,
                    double limit) {
  double largest = 0;
  EXPECT_EQ(run.captured.size(), all_hook_points(config).size());
  for (const auto& [point, value] : run.captured) {
    const std::string name = name_of(point);
    const auto found = plain.values.find(name);
    if (found == plain.values.end()) {
      ADD_FAILURE() << "no plain formula for " << name;
      continue;
    }
    EXPECT_EQ(value.shape(), shape_of(point, config, positions)) << name;
    const std::size_t heads = config.blocks[point.layer].attention.heads;
    const std::size_t together = judged_together(point, value.size(), positions, heads);
    largest = std::max(largest, expect_near(value, found->second, together, limit, name));
  }
  EXPECT_EQ(run.hidden_states.shape(), (Shape{config.n_hidden_states(), positions, config.d_model}));
  test::Numbers hidden;
  for (const test::Numbers& entry : plain.hidden_states) hidden.insert(hidden.end(), entry.begin(), entry.end());
  largest = std::max(largest, expect_near(run.hidden_states, hidden, config.d_model, limit, "hidden states"));
  return std::max(largest, expect_near(run.logits, plain.logits, config.d_vocab, limit, "logits"));
}

TEST(Descriptions, TheRandomOnesHaveEveryMechanism) {
  std::map<std::string, int> seen;
  for (const ModelConfig& config : test::random_descriptions(kRandomDescriptions, 1)) {
    const auto note = [&](const char* mechanism, bool has) { seen[mechanism] += has ? 1 : 0; };
    const BlockSpec &block = config.blocks[0], &last = config.blocks.back();
    const AttentionSpec& attention = block.attention;
    note("rms", block.ln1.kind == NormKind::rms);
    note("layer", block.ln1.kind == NormKind::layer);
    note("no norm before attention", !block.ln1.exists());
    note("no norm before the MLP", !block.ln2.exists());
    note("no last norm", !config.ln_final.exists());
    note("plus one", block.ln1.plus_one);
    note("norm without weight", block.ln1.exists() && !block.ln1.weight);
    note("norms after branches", block.ln1_post.exists() && block.ln2_post.exists());
    note("norms of heads", block.q_norm.exists() && block.k_norm.exists() && !block.q_norm.wide);
    note("norms over all heads", block.q_norm.exists() && block.k_norm.exists() && block.q_norm.wide);
    note("grouped keys", attention.kv_heads > 1 && attention.kv_heads < attention.heads);
    note("one key head", attention.kv_heads == 1 && attention.heads > 1);
    note("d_head apart from d_model", attention.heads * attention.d_head != config.d_model);
    note("odd d_head", attention.d_head % 2 == 1);
    note("window", attention.window > 1);
    note("full attention", attention.window == 0);
    note("score cap", attention.score_cap > 0);
    note("slopes", attention.slopes);
    note("half-split rotary", attention.rotary.dims > 2 && !attention.rotary.interleaved);
    note("interleaved rotary", attention.rotary.dims > 2 && attention.rotary.interleaved);
    note("partial rotary", attention.rotary.dims > 0 && attention.rotary.dims < attention.d_head);
    note("no rotary", attention.rotary.dims == 0);
    note("biases", attention.qkv_bias && attention.out_bias && block.mlp.bias);
    note("no biases", !attention.qkv_bias && !attention.out_bias && !block.mlp.bias);
    note("gated", block.mlp.gated);
    note("not gated", !block.mlp.gated);
    note(name_of(block.mlp.activation), true);
    note("parallel", block.parallel && !block.shared_norm);
    note("shared norm", block.shared_norm);
    note("learned positions", config.learned_positions);
    note("position offset", config.position_offset > 0);
    note("embed scale", config.embed_scale != 1);
    note("norm of the embedding", config.embed_norm.exists());
    note("logit scale", config.logit_scale != 1);
    note("branch scale", block.branch_scale != 1);
    note("clip", attention.clip > 0);
    note("norm weights of each head", block.q_norm.by_head && attention.heads > 1);
    note("one tensor for each head", config.tensors.q_norm.ends_with("{}") && block.q_norm.by_head);
    const auto scales_by = [&](RotaryScalingKind kind) {
      return std::any_of(config.blocks.begin(), config.blocks.end(),
                         [&](const BlockSpec& any) { return any.attention.rotary.scaling.kind == kind; });
    };
    note("linear", scales_by(RotaryScalingKind::linear));
    note("dynamic", scales_by(RotaryScalingKind::dynamic));
    note("llama3", scales_by(RotaryScalingKind::llama3));
    note("yarn", scales_by(RotaryScalingKind::yarn));
    note("longrope", scales_by(RotaryScalingKind::longrope));
    note("magnitude", attention.rotary.scaling.magnitude != 1);
    note("logit cap", config.logit_cap > 0);
    note("tied", config.tied);
    note("not tied", !config.tied);
    note("unembed bias", config.unembed_bias);
    note("apart", config.tensors.qkv == QkvStorage::apart);
    note("thirds", config.tensors.qkv == QkvStorage::thirds);
    note("by head", config.tensors.qkv == QkvStorage::by_head);
    note("gate with up", config.tensors.gate_with_up && block.mlp.gated);
    note("in_out", config.tensors.layout == WeightLayout::in_out);
    note("other windows", last.attention.window != attention.window);
    note("other heads", last.attention.heads != attention.heads);
    note("other width", last.mlp.width != block.mlp.width);
  }
  EXPECT_GE(seen.size(), 60U);
  for (const auto& [mechanism, count] : seen) EXPECT_GE(count, 2) << mechanism;
}

TEST(Descriptions, HookPointsAreThoseThatTheMechanismsHave) {
  for (const ModelConfig& config : test::all_descriptions(kRandomDescriptions, 1)) {
    SCOPED_TRACE(test::summary_of(config));
    const auto has = [&](const std::string& name) { return find_hook_point(name, config).has_value(); };
    EXPECT_EQ(has("embed.ln.hook_scale"), config.embed_norm.exists());
    EXPECT_EQ(has("embed.ln.hook_normalized"), config.embed_norm.exists());
    EXPECT_EQ(has("hook_pos_embed"), config.learned_positions);
    EXPECT_EQ(has("ln_final.hook_scale"), config.ln_final.exists());
    for (std::size_t layer = 0; layer < config.n_layers(); ++layer) {
      const BlockSpec& block = config.blocks[layer];
      const std::string prefix = "blocks." + std::to_string(layer) + ".";
      const auto norm = [&](const char* name, bool exists) {
        EXPECT_EQ(has(prefix + name + ".hook_scale"), exists) << prefix << name;
        EXPECT_EQ(has(prefix + name + ".hook_normalized"), exists) << prefix << name;
      };
      norm("ln1", block.ln1.exists());
      EXPECT_EQ(has(prefix + "ln1.hook_out"), block.ln1.exists()) << prefix;
      EXPECT_EQ(has(prefix + "ln2.hook_out"), block.ln2.exists() && !block.shared_norm) << prefix;
      norm("attn.q_norm", block.q_norm.exists());
      norm("attn.k_norm", block.k_norm.exists());
      norm("ln1_post", block.ln1_post.exists());
      norm("ln2", block.ln2.exists() && !block.shared_norm);
      norm("ln2_post", block.ln2_post.exists());
      EXPECT_EQ(has(prefix + "hook_resid_mid"), !block.parallel) << prefix;
      EXPECT_EQ(has(prefix + "mlp.hook_pre_linear"), block.mlp.gated) << prefix;
      if (block.attention.rotary.dims > 0) {
        EXPECT_TRUE(has(prefix + "attn.hook_rot_q") && has(prefix + "attn.hook_rot_k")) << prefix;
      }
      for (const char* name : {"hook_resid_pre", "attn.hook_q", "attn.hook_k", "attn.hook_v", "attn.hook_attn_scores",
                               "attn.hook_pattern", "attn.hook_z", "attn.hook_result", "hook_attn_out", "mlp.hook_pre",
                               "mlp.hook_post", "hook_mlp_out", "hook_resid_post"})
        EXPECT_TRUE(has(prefix + name)) << prefix << name;
    }
  }
}

TEST(Descriptions, TheReferenceComputesThePlainFormulas) {
  std::uint64_t seed = 100;
  for (const ModelConfig& config : test::all_descriptions(kRandomDescriptions, 1)) {
    SCOPED_TRACE(test::summary_of(config));
    const Described described(config, ++seed, config.n_ctx);
    const PlainRun plain = test::plain_forward(config, described.weights(), described.ids);
    const auto run = described.open(Precision::fp64).run_reference(test::everything_of(config, {described.ids}));
    expect_plain(run, plain, config, described.ids.size(), kReferenceError);
  }
}

TEST(Descriptions, TheEngineComputesThePlainFormulas) {
  std::uint64_t seed = 100;
  std::vector<double> errors;
  for (const ModelConfig& config : test::all_descriptions(kRandomDescriptions, 1)) {
    SCOPED_TRACE(test::summary_of(config));
    const Described described(config, ++seed, config.n_ctx);
    const PlainRun plain = test::plain_forward(config, described.weights(), described.ids);
    const auto run = described.open(Precision::fp32).run(test::everything_of(config, {described.ids}));
    errors.push_back(expect_plain(run, plain, config, described.ids.size(), kEngineError));
  }
  std::sort(errors.begin(), errors.end());
  EXPECT_LE(errors[errors.size() * 9 / 10], kUsualEngineError);
}

// ---- edits

constexpr std::size_t kEditedPositions = 9, kEditedAt = 4;

// An invisible key has a number as well, which must have no effect.
double rewritten(double x) { return std::isinf(x) ? 5 : 1.3 * x + 0.2; }

// Rewrites the numbers of one position.
std::shared_ptr<const Edit> rewrite_at_position(HookPoint point) {
  const bool rows_second = info_of(point.hook).has_axis(HookAxis::key);
  return make_edit([rows_second](const auto& value) {
    using Number = std::decay_t<decltype(value(0, 0, 0))>;
    const std::size_t row = kEditedAt - value.first_position;
    for (std::size_t i = 0; i < value.shape[rows_second ? 0 : 1]; ++i)
      for (std::size_t j = 0; j < value.shape[2]; ++j) {
        Number& x = rows_second ? value(i, row, j) : value(row, i, j);
        x = static_cast<Number>(rewritten(static_cast<double>(x)));
      }
  });
}

test::PlainEdit rewrite_plain(HookPoint point) {
  return [point](const std::string& name, test::Numbers& value) {
    if (name != name_of(point)) return;
    const bool has_keys = info_of(point.hook).has_axis(HookAxis::key);
    const std::size_t width = has_keys ? kEditedPositions : value.size() / kEditedPositions;
    for (std::size_t i = 0; i < value.size(); ++i)
      if (i / width % kEditedPositions == kEditedAt) value[i] = rewritten(value[i]);
  };
}

RunRequest edited_request(const Described& described, std::optional<HookPoint> at) {
  RunRequest request = test::everything_of(described.config(), {described.ids});
  if (at) request.edits = {{*at, 0, rewrite_at_position(*at)}};
  return request;
}

std::vector<ModelConfig> edited_descriptions() { return test::all_descriptions(6, 2); }

// Whether the edit changed the hook point's own value: the rest follows from the agreement with the plain formulas.
template <class T>
void expect_changed(const Run<T>& run, const Run<T>& clean, HookPoint point) {
  EXPECT_FALSE(test::same_bits(run.value(point), clean.value(point))) << "the edit did nothing";
}

TEST(Descriptions, TheReferenceIsEditedAtEveryHookPoint) {
  std::uint64_t seed = 200;
  for (const ModelConfig& config : edited_descriptions()) {
    SCOPED_TRACE(test::summary_of(config));
    const Described described(config, ++seed, kEditedPositions);
    const Model model = described.open(Precision::fp64);
    const auto clean = model.run_reference(edited_request(described, {}));
    for (const HookPoint point : all_hook_points(config)) {
      SCOPED_TRACE("edited " + name_of(point));
      const PlainRun plain = test::plain_forward(config, described.weights(), described.ids, rewrite_plain(point));
      const auto run = model.run_reference(edited_request(described, point));
      expect_plain(run, plain, config, kEditedPositions, kReferenceError);
      expect_changed(run, clean, point);
    }
  }
}

TEST(Descriptions, TheEngineIsEditedAtEveryHookPoint) {
  std::uint64_t seed = 200;
  for (const ModelConfig& config : edited_descriptions()) {
    SCOPED_TRACE(test::summary_of(config));
    const Described described(config, ++seed, kEditedPositions);
    const Model model = described.open(Precision::fp32);
    const auto clean = model.run(edited_request(described, {}));
    for (const HookPoint point : all_hook_points(config)) {
      SCOPED_TRACE("edited " + name_of(point));
      const PlainRun plain = test::plain_forward(config, described.weights(), described.ids, rewrite_plain(point));
      const auto run = model.run(edited_request(described, point));
      expect_plain(run, plain, config, kEditedPositions, kEngineError);
      expect_changed(run, clean, point);
    }
  }
}

}  // namespace
}  // namespace stratoscope
